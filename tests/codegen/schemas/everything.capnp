@0xb07a27c9cb4807c7;
# One of everything a schema can say.

using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
using Parts = import "parts/wheel.capnp";
$Drover.namespace("everything");
$Cxx.namespace("capnp_everything");

enum Color {
  # What a car is painted in.

  red @0;
  darkBlue @1;
  # Sold out.
  delete @2;
}

struct Scalars {
  nothing @0 :Void;
  flag @1 :Bool;
  i8 @2 :Int8;
  i16 @3 :Int16;
  i32 @4 :Int32;
  i64 @5 :Int64;
  u8 @6 :UInt8;
  u16 @7 :UInt16;
  u32 @8 :UInt32;
  u64 @9 :UInt64;
  f32 @10 :Float32;
  f64 @11 :Float64;
  text @12 :Text;
  data @13 :Data;
  color @14 :Color;
}

struct Defaults {
  flag @0 :Bool = true;
  i8 @1 :Int8 = -128;
  i16 @2 :Int16 = -300;
  i32 @3 :Int32 = -2147483648;
  i64 @4 :Int64 = -9223372036854775808;
  u8 @5 :UInt8 = 255;
  u16 @6 :UInt16 = 65535;
  u32 @7 :UInt32 = 4294967295;
  u64 @8 :UInt64 = 18446744073709551615;
  f32 @9 :Float32 = 1.5;
  f64 @10 :Float64 = -2;
  infinite @11 :Float64 = inf;
  notANumber @12 :Float32 = nan;
  text @13 :Text = "a \"quoted\"\nline\t\x01é";
  data @14 :Data = 0x"00 ff 7f";
  color @15 :Color = darkBlue;
  numbers @16 :List(Int16) = [1, -2, 3];
  flags @17 :List(Bool) = [true, false];
  words @18 :List(Text) = ["one", "", "three"];
  wheel @19 :Parts.Wheel = (inches = 19, tread = winter);
  wheels @20 :List(Parts.Wheel) = [(inches = 1), ()];
  shape @21 :Shape = (scale = 2, square = (side = 3));
  grid @22 :List(List(Color)) = [[red], [], [darkBlue, delete]];
}

struct Lists {
  nothings @0 :List(Void);
  flags @1 :List(Bool);
  bytes @2 :List(UInt8);
  doubles @3 :List(Float64);
  texts @4 :List(Text);
  blobs @5 :List(Data);
  colors @6 :List(Color);
  wheels @7 :List(Parts.Wheel);
  cube @8 :List(List(List(Int32)));
  bits @9 :List(List(Bool));
  names @10 :List(List(Text));
  lots @11 :List(List(Parts.Wheel));
}

struct Shape {
  # A figure. Its unnamed union's alternatives are accessors of the struct itself.

  scale @0 :Float32 = 1;

  union {
    circle @1 :Float64 = 1;
    # By radius.
    ellipse @2 :Float64;
    none @3 :Void;
    square :group {
      side @4 :Float64;
    }
    label @5 :Text = "unnamed";
    pixels @6 :Data;
    color @7 :Color;
    parts @8 :List(Shape);
    mirrored @9 :Shape;
    wheel @10 :Parts.Wheel;
    grid @11 :List(List(Int8));
  }
}

struct Car {
  # Nested declarations, groups and named unions.

  using Body = Text;

  struct Engine {
    enum Fuel { petrol @0; diesel @1; }
    power @0 :UInt32;
    fuel @1 :Fuel;
  }

  const doors :UInt8 = 5;
  const motto :Text = "drive";
  const standard :Engine = (power = 90, fuel = diesel);

  engine @0 :Engine;
  owner :group {
    name @1 :Text;
    address :group {
      street @2 :Text;
      number @3 :UInt16 = 1;
    }
  }
  state :union {
    parked @4 :Void;
    driving :group {
      speed @5 :Float32;
      passengers @6 :List(Text);
    }
    broken @7 :Text;
  }
}

struct Node {
  label @0 :Text;
  next @1 :Node;
  children @2 :List(Node);
  partner @3 :Partner;
}

struct Partner {
  back @0 :Node;
  years @1 :UInt8;
}

struct Empty {}

interface Store {
  # Keeps values. Its nested declarations are members of a struct of its name.

  struct Entry {
    key @0 :Text;
    store @1 :Store;
    watchers @2 :List(Watcher);
  }
  interface Watcher {
    changed @0 (entry :Entry);
  }
  const limit :UInt32 = 1000;

  put @0 (key :Text, value :Data, color :Color = darkBlue) -> (old :Data);
  # Replaces what was there.
  get @1 (key :Text) -> (value :Data, version :UInt64) $Drover.idempotent;
  entries @2 () -> (entries :List(Entry));
  watch @3 (watcher :Watcher) -> (store :Store);
  watchAll @4 (watchers :List(List(Watcher))) -> (count :UInt32);
  convert @5 Scalars -> Lists;
  paint @6 (shape :Shape, wheels :List(Parts.Wheel), flags :List(Bool)) -> Empty;
  clear @7 () -> () $Drover.concurrent;
  nothing @8 (nothing :Void) -> (nothing :Void);
}

struct Handles {
  store @0 :Store;
  stores @1 :List(Store);
  either :union {
    watcher @2 :Store.Watcher;
    watchers @3 :List(Store.Watcher);
    none @4 :Void;
  }
}

interface Clock $Drover.concurrent {
  now @0 () -> (nanos :Int64);
  close @1 ();
}

interface Service extends(Store, Clock, Parts.Inspector) {
  close @0 (why :Text);
  name @1 () -> (name :Text);
}

interface Bare extends(Service) {}

const answer :Int64 = 42;
const ratio :Float32 = 0.5;
const greeting :Text = "hello";
const favourite :Color = darkBlue;
const primes :List(UInt16) = [2, 3, 5];
const magic :Data = 0x"ca fe";
const cart :Car = (engine = (power = 7), owner = (name = "me", address = (number = 3)),
                   state = (driving = (speed = 3.5, passengers = ["you"])));
