@0x86c5834f8a5c35ed;
# What is legal and rare.
using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
using import "../parts/wheel.capnp".Wheel;
using import "../parts/wheel.capnp".Tread;
$Drover.namespace("drover::corners");
$Cxx.namespace("capnp_corners");

struct Engine { kind @0 :Text = "top"; }

struct Car {
  struct Engine { kind @0 :Text = "nested"; top @1 : .Engine; }
  struct Place { line @0 :Text; }
  mine @0 :Engine;
  other @1 : .Engine;
  address :group {
    which @2 :UInt8;
    union { home @3 :Place; office :group { floor @4 :Int8; door :union { left @5 :Void; right @6 :Driver; } } }
  }
  driver @7 :Driver;
  interface Driver {
    enum Mood { calm @0; angry @1; }
    struct Trip { car @0 :Car; mood @1 :Mood; driver @2 :Driver; }
    const longest :Trip = (mood = angry);
    const moods :List(Mood) = [angry, calm];
    drive @0 (car :Car, mood :Mood) -> (trip :Trip, mood :Mood);
    trips @1 () -> (trips :List(List(Trip)));
  }
}

# Each holds the other: one through a list.
struct Tree { branches @0 :List(Branch); name @1 :Text; }
struct Branch { tree @0 :Tree; thick @1 :Bool; }

# Lexical nesting that goes in a circle, though no value contains itself.
struct Left { struct Inner { right @0 :Right; } struct Leaf { n @0 :UInt8; } inner @0 :Inner; }
struct Right { leaf @0 :Left.Leaf; }

struct Voids { a @0 :Void; b :group { c @1 :Void; } union { d @2 :Void; e :group { f @3 :Void; g @4 :Void; } } }

struct Comment {
  # Ends in a backslash \
  # and has "quotes" */ and /* too.

  field @0 :Text = "trigraph ??/ and \x7f";
  # Of the field.
  #
  # With a second paragraph.
  union {
    first @1 :List(Wheel) = [(inches = 3)];
    second @2 :Wheel = (tread = winter);
    third @3 :Tread = winter;
    fourth @4 :List(Tread) = [winter];
    fifth @5 :Comment;
  }
}

interface Nothing {}
interface Top { top @0 (call :Text, target :Data, method :List(UInt8)) -> (in :Text); }
interface LeftSide extends(Top) { left @0 (); }
interface RightSide extends(Top) { right @0 (); same @1 (a :Text); }
interface Diamond extends(LeftSide, RightSide) {}

const unions :Comment = (second = (inches = 4));
const shapes :List(Voids) = [(d = void), (e = (g = void))];
const minus :Int32 = -1;
const none :Void = void;
const big :UInt64 = 0xffffffffffffffff;
const tiny :Float32 = 1e-40;
const text :Text = "\x00nul";

struct Line {
  union {
    next @0 :Line;
    end @1 :Void;
  }
}
const stump :Line = (next = ());
# The inner Line is not there, so it is a default one: its next, which is not there.
