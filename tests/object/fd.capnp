@0xb1f4d1b0d7e5a2c9;
# Objects that carry descriptors.

using Cxx = import "/capnp/c++.capnp";
using Drover = import "/drover/annotations.capnp";
$Cxx.namespace("files::wire");
$Drover.namespace("files");

interface File $Drover.fd {
  name @0 () -> (name :Text);
}

interface Files {
  open @0 (name :Text) -> (file :File $Drover.fd);
  openMany @1 (count :UInt32) -> (files :List(File));
  read @2 (file :File $Drover.fd) -> (content :Text);
  # Through the descriptor that comes with the file.
  pass @3 (file :File) -> (file :File);
  keep @4 (file :File);
}
