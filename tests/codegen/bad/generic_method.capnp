@0x9b0a90dcf0085f24;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
interface Factory { make @0 [T] (name :Text) -> (made :T); }
