@0xc6f3bd0d874ec894;
using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
$Drover.namespace("keywords");
$Cxx.namespace("capnp_keywords");

enum Operator { new @0; delete @1; andEq @2; }

struct Class {
  int @0 :Int32;
  class @1 :Text;
  namespace @2 :List(Text);
  template :group { typename @3 :Bool; errno @4 :UInt8; }
  friend :union { this @5 :Void; operator @6 :Operator; union @7 :Text; }
  coAwait @8 :Text;
  isA @9 :Bool;
  httpURL @10 :Text;
  renamed @11 :Text $Cxx.name("other");
  union {
    a @12 :Text;
    which @13 :Text;
  }
}

interface Switch {
  async @0 (return :Int32, call :Text, out :List(Text), value :Bool) -> (void :Int32, default :Text);
  delete @1 (i :List(Operator), list :List(List(Text))) -> (operator :Operator);
  dispatch @2 () -> (class :Class);
  interface @3 Class -> Class;
  renamed @4 (a :Int32) -> (a :Int32) $Cxx.name("other");
}
