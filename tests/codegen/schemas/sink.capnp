@0xc5a7d0f39e12b846;
# Streams of calls.

using Drover = import "/drover/annotations.capnp";
using Cxx = import "/capnp/c++.capnp";
$Drover.namespace("sink");
$Cxx.namespace("capnp_sink");

interface Sink {
  write @0 (chunk :Data) -> stream;
  # Takes a chunk, or fails if its first byte is 255.
  done @1 () -> (chunks :UInt32, bytes :UInt64, inOrder :Bool);
  # What has come. Chunks are in order if each begins with a number one above the last one's.
}

struct Note {
  text @0 :Text;
}

interface Log extends(Sink) {
  note @0 Note -> stream;
  notes @1 () -> (texts :List(Text));
}

interface Pump {
  pump @0 (sink :Sink, chunks :UInt32, size :UInt32);
  # Streams so many chunks of that size into the sink, and finishes the stream.
}
