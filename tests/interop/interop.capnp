@0xc9a60ac4a34fd9b1;
# What Drover and the stock Cap'n Proto runtime do together in the tests of this folder.

using Cxx = import "/capnp/c++.capnp";
using Drover = import "/drover/annotations.capnp";
$Cxx.namespace("interop::stock");
$Drover.namespace("interop");

interface Worker {
  calculate @0 (x :UInt32) -> (y :UInt32);
  # y is x + 1.

  subscribe @1 (listener :Listener) -> (answer :Text);
  # Calls listener.heard("news") before it returns; the answer is the listener's reply.

  get @2 () -> (worker :Worker);
  # Another worker. Over UNIX sockets a file comes with it that holds the text "worker".

  fail @3 (reason :Text) -> ();
  # Fails, for this reason, whose first word says how: overloaded, disconnected or unimplemented are
  # the protocol's kinds of failure, anything else is a plain one.

  echo @4 (data :Data) -> (data :Data);

  living @5 () -> (count :UInt32);
  # How many workers that get returned are still alive in the server.

  open @6 () -> (sink :Sink);

  read @7 (worker :Worker) -> (content :Text);
  # What is in the file that comes with the worker; empty if none does.

  wait @8 (listener :Listener, over :Worker) $Drover.concurrent;
  # Tells the listener "waiting", then waits until the call is cancelled. Where `over` is given it
  # is over.wait(listener) that is called, by the stock runtime as a tail call.

  waiting @9 () -> (count :UInt32);
  # How many calls of wait there are in the server.

  pass @10 (listener :Listener, over :Worker) -> (listener :Listener);
  # The same listener. Where `over` is given it is a promise of what over.pass(listener) returns.

  neighbour @11 () -> (worker :Worker);
  # The worker of the server that this one was told of.

  delegate @12 (x :UInt32, to :List(Worker)) -> (y :UInt32, by :Worker);
  # y is x + 1, and `by` is as get would return it. Where `to` is not empty they are what its first
  # returns for the others, which the stock runtime asks by a tail call.

  again @13 () -> (worker :Worker);
  # The worker that get returned last, which must still exist.

  keep @14 (listener :Listener);
  # Keeps it until it is dropped as often as it was kept.

  drop @15 () -> (reply :Text);
  # Tells the listener that was kept last "goodbye", and lets go of it.

  blob @16 (size :UInt32) -> (data :Data);
  # So many bytes.
}

interface Sink {
  write @0 (chunk :Data) -> stream;
  # Fails if the chunk is empty.

  done @1 () -> (chunks :UInt32, bytes :UInt64, inOrder :Bool);
  # What has come; in order if the first byte of each chunk is one more than that of the last.
}

interface Listener {
  heard @0 (text :Text) -> (reply :Text);
}
