@0xd3b1f6a05c2e9487;
# Params and results without pointers: such calls travel without a message being built.

using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
$Drover.namespace("numbers");
$Cxx.namespace("capnp_numbers");

enum Sign { plus @0; minus @1; }

interface Numbers {
  all @0 (first :Bool, i8 :Int8, i16 :Int16, i32 :Int32, i64 :Int64, u8 :UInt8, u16 :UInt16,
          u32 :UInt32, u64 :UInt64, f32 :Float32, f64 :Float64, sign :Sign, nothing :Void,
          last :Bool) -> (text :Text);
  # All of them as text, with a space between.

  bool @1 (x :Bool) -> (y :Bool);
  int8 @2 (x :Int8) -> (y :Int8);
  int64 @3 (x :Int64) -> (y :Int64);
  uint16 @4 (x :UInt16) -> (y :UInt16);
  float32 @5 (x :Float32) -> (y :Float32);
  float64 @6 (x :Float64) -> (y :Float64);
  sign @7 (x :Sign) -> (y :Sign);
  # Each gives back what it is given.

  defaults @8 (x :UInt32 = 7) -> (y :UInt32 = 9);
  many @9 (a :UInt64, b :UInt64, c :UInt64, d :UInt64, e :UInt64, f :UInt64, g :UInt64,
           h :UInt64) -> (sum :UInt64);
  tooMany @10 (a :UInt64, b :UInt64, c :UInt64, d :UInt64, e :UInt64, f :UInt64, g :UInt64,
               h :UInt64, i :UInt64) -> (sum :UInt64);
  nothing @11 ();
}
