@0xe3f9a86d5b1c7042;
# What dynamic calls have to find their way in: names that occur twice, and a small schema whose
# text is compared whole.

using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
$Drover.namespace("bakery");
$Cxx.namespace("bakery::wire");

interface Baker {
  stop @0 (why :Text) -> (who :Text);
  bake @1 (loaf :Loaf) -> (loaf :Loaf) $Drover.idempotent;
  rest @2 () -> (who :Text);
}

interface Waiter {
  stop @0 (table :UInt32) -> (who :Text);
  serve @1 (table :UInt32) -> (who :Text);
}

interface Shop extends(Baker, Waiter) {
  # Its serve hides the waiter's; stop is either's.
  serve @0 (loaf :Loaf) -> (who :Text);
  deliver @1 Loaf -> stream;
  hire @2 (baker :Baker) -> (baker :Baker);
}

struct Loaf {
  enum Flour { wheat @0; rye @1; }
  flour @0 :Flour;
  grams @1 :UInt32 = 500;
  crust :group {
    seeds @2 :List(Text);
    dark @3 :Bool;
  }
  union {
    plain @4 :Void;
    filled @5 :Text;
    braided :group {
      strands @6 :UInt8;
    }
  }
}
