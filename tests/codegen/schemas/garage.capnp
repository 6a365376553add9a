@0xd92c8a1f4be35c07;
# Objects inside results: what pipelines reach, and what they do not.

using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
$Drover.namespace("garage");
$Cxx.namespace("capnp_garage");

interface Engine {
  start @0 (key :UInt32) -> (key :UInt32);
  # Gives back what it gets.
  starts @1 () -> (keys :List(UInt32));
  # The keys it was started with, in order.
  twin @2 () -> (engine :Engine);
  # Itself.
}

struct Trailer {
  wheels @0 :UInt8;
  engine @1 :Engine;
}

struct Car {
  label @0 :Text;
  engine @1 :Engine;
  # Under the bonnet.
  trailer @2 :Trailer;
  towed @3 :Car;
  owner :group {
    name @4 :Text;
    engine @5 :Engine;
    boat :group {
      engine @6 :Engine;
    }
  }
  either :union {
    motor @7 :Engine;
    horse @8 :Void;
  }
  spares @9 :List(Engine);
}

struct Brochure {
  # Without any object a pipeline could reach.
  title @0 :Text;
  samples @1 :List(Car);
}

interface Garage {
  engine @0 () -> (engine :Engine);
  none @1 () -> (engine :Engine);
  # Null.
  car @2 () -> (car :Car);
  best @3 () -> Car;
  fleet @4 () -> (first :Car, engine :Engine);
  brochure @5 () -> (brochure :Brochure);
  other @6 () -> (garage :Garage);
  fit @7 (engine :Engine, key :UInt32) -> (key :UInt32);
  # Starts the engine with the key.
}
