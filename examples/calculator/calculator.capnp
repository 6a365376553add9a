@0x85150b117366d14b;
# The calculator of Cap'n Proto's own RPC sample: the same ids, so programs of either kind can call
# each other.
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("calculator");

interface Calculator $Drover.concurrent {
  evaluate @0 (expression :Expression) -> (value :Value);
  # The value is an object: a further expression may use it before this call has returned.

  defFunction @1 (paramCount :Int32, body :Expression) -> (func :Function);
  # A function of so many parameters, which `body` calls parameter 0, 1 and so on.

  getOperator @2 (op :Operator) -> (func :Function);

  struct Expression {
    union {
      literal @0 :Float64;
      previousResult @1 :Value;
      parameter @2 :UInt32;       # in the body of a function only
      call :group {
        function @3 :Function;    # the server's or the client's own
        params @4 :List(Expression);
      }
    }
  }

  interface Value {
    read @0 () -> (value :Float64);
  }

  interface Function $Drover.concurrent {
    call @0 (params :List(Float64)) -> (value :Float64);
  }

  enum Operator {
    add @0;
    subtract @1;
    multiply @2;
    divide @3;
  }
}
