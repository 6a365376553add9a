@0x8d7bc0ac83afbf70;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("greeter");

interface Greeter {
  greet @0 (name :Text) -> (greeting :Text);
}
