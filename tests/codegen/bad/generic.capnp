@0xff4291610cb21f5f;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
struct Map(K, V) { entries @0 :List(Entry); struct Entry { key @0 :K; value @1 :V; } }
struct User { map @0 :Map(Text, Data); }
