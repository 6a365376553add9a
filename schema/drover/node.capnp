@0xde810fa6cacbb85a;
# What a Drover server answers through its bootstrap object, beside the interfaces of the front
# object itself (calls go by interface id): who it is, what it exports, how it does.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("drover::protocol");

const nodeInterfaceId :UInt64 = 0xbc67c3cbc15dd815;
const nodeHello :UInt16 = 0;
const nodeLookup :UInt16 = 1;
const nodeList :UInt16 = 2;
const nodeDescribe :UInt16 = 3;
const nodePing :UInt16 = 4;
const nodeStats :UInt16 = 5;
const nodeDrain :UInt16 = 6;
const nodeShareMemory :UInt16 = 7;
const nodeVersion :UInt32 = 1;
const objectInterfaceId :UInt64 = 0xcf3abcd5a58c8121;

interface Object @0xcf3abcd5a58c8121 {
  # What every object of a Drover process answers beside its own interfaces.

  sync @0 ();
  # Does nothing, in the object's turn: what was called on it before has had its own.
}

interface Node @0xbc67c3cbc15dd815 {
  hello @0 (version :UInt32, oneWayWindow :UInt64)
        -> (nonce :UInt64, version :UInt32, oneWayWindow :UInt64);
  # Gives back the nonce that came in the Call's extension, 0 if there was none. If it is the one
  # that was sent, nobody between the two ends dropped the field, and metadata may travel in it.
  # oneWayWindow: how many bytes of one-way calls, as rpc.capnp's OneWayCredit counts them, each side
  # takes before the first of them have ended. 0: the other side sends none.

  lookup @1 (name :Text) -> (object :AnyPointer);
  # The object exported under a name; an error, NotFound, if there is none. The empty name is the
  # front object's.

  list @2 () -> (names :List(Text));
  # The names of the exported objects, in order. Peers of the same user only.

  describe @3 (name :Text) -> (interfaceId :UInt64, nodes :List(Data));
  # The interface of an exported object, and all schema nodes (capnp/schema.capnp's Node, a message
  # each, in stream framing) that it takes to load it. The empty name is the front object's. Errors:
  # NotFound if there is no such object, FailedPrecondition if its interface is not known here: it
  # is an object of another process, or none that was made from a schema.

  ping @4 ();

  stats @5 () -> (stats :Stats);
  # Peers of the same user only.

  drain @6 ();
  # Asks the server to take no new connections and calls, to let those that run end, and to stop.
  # Peers of the same user only.

  shareMemory @7 (inPlace :Bool);
  # Between Drover peers (after hello) on one UNIX socket: the server makes two rings in memory, one
  # for each direction, and one end of a socket pair to wake each other by. With the Return's frame
  # come two descriptors, the memory and the client's end of the pair. That frame is the last that the
  # server writes to the socket, and its Finish the last that the client writes there: all that
  # follows is in the rings, to be read from these frames on. An error declines, and nothing changes.
  # inPlace: the client trusts the server with memory that both write to. If the server trusts the
  # client as well, a third descriptor comes: memory where large messages are built and read. Frames
  # of these, in the rings, are of a kind of their own (wire/in_place_frame.h).

  struct Stats {
    connections @0 :UInt32;           # open at present
    methods @1 :List(Method);
    tables @2 :List(Tables);          # one for each connection

    struct Method {
      name @0 :Text;                  # "Worker.calculate"
      calls @1 :UInt64;               # answered so far
      errors @2 :UInt64;              # those of them that failed
      latency @3 :List(UInt64);       # calls by time from start to answer: element i counts those
                                      # below 2^i microseconds and not below the one before
    }
    struct Tables {
      peer @0 :Text;
      questions @1 :UInt32;
      answers @2 :UInt32;
      exports @3 :UInt32;
      imports @4 :UInt32;
      bytesIn @5 :UInt64;
      bytesOut @6 :UInt64;
      callBytes @7 :UInt64;           # of the messages of the peer's calls that are not answered
      sharesMemory @8 :Bool;          # what is written to it goes through shared memory
    }
  }
}
