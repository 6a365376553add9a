@0xa8e64d7cb61d35a3;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
struct Car {
  struct Address {}
  address :group { street @0 :Text; }
}
