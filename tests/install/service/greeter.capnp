@0xb1ce4f0d3a6e2871;
# A service of a project outside.

using Drover = import "/drover/annotations.capnp";
$Drover.namespace("greeter");

interface Greeter {
  greet @0 (name :Text) -> (greeting :Text);
  stop @1 () $Drover.concurrent;
}
