@0xec2c30dda304a9a6;
# Interfaces that the tests of objects use: a bit of everything a method can do.

using Drover = import "/drover/annotations.capnp";
$Drover.namespace("kitchen");

interface Listener {
  heard @0 (text :Text) -> (reply :Text);
}

interface Cook {
  add @0 (a :UInt32, b :UInt32) -> (sum :UInt32);
  echo @1 (data :Data) -> (data :Data);
  fail @2 (code :UInt16, message :Text);
  tell @3 (listener :Listener, text :Text) -> (reply :Text);
  # Calls the listener and gives its reply.
  keep @4 (listener :Listener);
  kept @5 () -> (listener :Listener);
  makeCook @6 () -> (cook :Cook);
  sleep @7 (millis :UInt32);
  wait @8 () $Drover.concurrent;
  # Returns when release is called.
  release @9 () $Drover.concurrent;
  running @10 () -> (count :UInt32, most :UInt32) $Drover.concurrent;
  stop @11 () $Drover.concurrent;
}
