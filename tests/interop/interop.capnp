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
