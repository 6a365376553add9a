@0xb517b9162c0a8089;
# The messages of the Cap'n Proto RPC protocol, level 1 whole and the numbers of what lies beyond,
# described in Drover's words. Ordinals and types are those of the protocol, so the bytes are the
# same; the file id is our own, so that this file's symbols and the stock runtime's can be linked
# into one program.
#
# Each side of a connection keeps four tables. A *question* of the sender is an *answer* of the
# receiver; an *export* of the sender is an *import* of the receiver. Questions and exports are
# numbered by whoever has them, and a number is used again only when both sides have let it go.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("drover::protocol");

struct Message {
  # One frame holds one Message.
  union {
    unimplemented @0 :Message;    # what the sender received and does not know
    abort @1 :Exception;          # the sender closes the connection, and this is why
    bootstrap @8 :Bootstrap;
    call @2 :Call;
    return @3 :Return;
    finish @4 :Finish;
    resolve @5 :Resolve;
    release @6 :Release;
    obsoleteSave @7 :AnyPointer;
    obsoleteDelete @9 :AnyPointer; # between Drover peers: a OneWayCredit
    provide @10 :AnyPointer;      # level 3
    accept @11 :AnyPointer;       # level 3
    join @12 :AnyPointer;         # level 4
    disembargo @13 :Disembargo;
    thirdPartyAnswer @14 :AnyPointer;  # level 3
  }
}

struct Bootstrap {
  # Asks for the receiver's front object. Answered by a Return whose content is a capability.
  questionId @0 :UInt32;
  deprecatedObjectId @1 :AnyPointer;
}

struct Call {
  questionId @0 :UInt32;
  target @1 :MessageTarget;
  interfaceId @2 :UInt64;
  methodId @3 :UInt16;
  params @4 :Payload;
  sendResultsTo :union {
    caller @5 :Void;
    yourself @6 :Void;            # keep the results, another call will take them: a tail call
    thirdParty @7 :AnyPointer;    # level 3
  }
  allowThirdPartyTailCall @8 :Bool;
  noPromisePipelining @9 :Bool;   # the caller will not call on this answer
  onlyPromisePipeline @10 :Bool;  # the caller wants nothing but to call on this answer
  extension @11 :AnyPointer;
  # Drover's own: deadline, chain and trace, only between peers that agreed on it. Others skip it.
  oneWay @12 :Bool;
  # Drover's own, likewise: there is no answer, and questionId, which is 0, says nothing. Only for a
  # call of an imported capability without capabilities in its params, within the window that the
  # receiver has granted (Node.hello).
}

struct Return {
  answerId @0 :UInt32;
  releaseParamCaps @1 :Bool = true;
  # The capabilities of the call's params are released with this message, without Release.
  noFinishNeeded @8 :Bool;
  # The sender has let the answer go already, and a Finish is not expected.
  union {
    results @2 :Payload;
    exception @3 :Exception;
    canceled @4 :Void;
    resultsSentElsewhere @5 :Void;
    takeFromOtherQuestion @6 :UInt32;
    awaitFromThirdParty @7 :AnyPointer;  # level 3
  }
}

struct Finish {
  # The sender wants no more of this question: cancels it where it still runs, and lets the
  # receiver forget the answer.
  questionId @0 :UInt32;
  releaseResultCaps @1 :Bool = true;
  requireEarlyCancellationWorkaround @2 :Bool = true;
}

struct Resolve {
  # What an exported promise turned out to be.
  promiseId @0 :UInt32;
  union {
    cap @1 :CapDescriptor;
    exception @2 :Exception;
  }
}

struct Release {
  # Gives references to an import back. The count says how many of those received.
  id @0 :UInt32;
  referenceCount @1 :UInt32;
}

struct Disembargo {
  # Sent along a path of calls to learn when all calls sent along it before have arrived.
  target @0 :MessageTarget;
  context :union {
    senderLoopback @1 :UInt32;
    receiverLoopback @2 :UInt32;
    accept @3 :Data;              # level 3
  }
}

struct MessageTarget {
  union {
    importedCap @0 :UInt32;
    promisedAnswer @1 :PromisedAnswer;
  }
}

struct Payload {
  content @0 :AnyPointer;
  capTable @1 :List(CapDescriptor);  # capability pointers in the content are indices into it
}

struct CapDescriptor {
  union {
    none @0 :Void;
    senderHosted @1 :UInt32;
    senderPromise @2 :UInt32;     # a Resolve for this export will follow
    receiverHosted @3 :UInt32;
    receiverAnswer @4 :PromisedAnswer;
    thirdPartyHosted @5 :ThirdPartyCapDescriptor;
  }
  attachedFd @6 :UInt8 = 0xff;    # index into the file descriptors sent with the frame
}

struct PromisedAnswer {
  # A capability inside the results of a question of the sender, wherever they are by then.
  questionId @0 :UInt32;
  transform @1 :List(Op);

  struct Op {
    union {
      noop @0 :Void;
      getPointerField @1 :UInt16;
    }
  }
}

struct ThirdPartyCapDescriptor {
  # Level 3. A receiver of a lower level uses the vine, an export of the sender, instead.
  id @0 :AnyPointer;
  vineId @1 :UInt32;
}

struct Exception {
  reason @0 :Text;
  obsoleteIsCallersFault @1 :Bool;
  obsoleteDurability @2 :UInt16;
  type @3 :Type;
  trace @4 :Text;
  details @5 :List(Detail);

  enum Type {
    failed @0;
    overloaded @1;
    disconnected @2;
    unimplemented @3;
  }

  struct Detail {
    detailId @0 :UInt64;
    data @1 :Data;
  }
}

const statusDetailId :UInt64 = 0xd4fa36f7a23a4506;
# The detailId under which Drover sends a StatusDetail message, unpacked, in Exception.details.

struct StatusDetail {
  # An absl::Status beside its message, which is Exception.reason.
  code @0 :UInt16;
  payloads @1 :List(Payload);

  struct Payload {
    typeUrl @0 :Text;
    value @1 :Data;
  }
}

struct OneWayCredit {
  # What comes in Message.obsoleteDelete from a peer that was sent one-way calls: calls that count so
  # much have ended, and as much more may be sent. A call counts the bytes of its frame, and
  # oneWayCallBytes at least.
  bytes @0 :UInt64;
}

const oneWayCallBytes :UInt64 = 512;

struct CallExtension {
  # What rides in Call.extension between two peers that know each other to be Drover's.
  nonce @0 :UInt64;             # of Node.hello alone, which finds that out
  timeoutNanos @1 :UInt64;      # what was left until the caller's deadline when this was sent; 0: none
  chain @2 :List(Link);         # the calls that wait for this one, the first one first
  metadata @3 :List(Entry);     # what the callers said of it

  struct Link {
    id @0 :UInt64;              # of the call, random
    method @1 :Text;            # "Worker.calculate"
  }
  struct Entry {
    key @0 :Text;
    value @1 :Text;
  }
}
