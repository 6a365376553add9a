@0xad098b8fefdf4785;
# Annotations that schemas of Drover services may use.
#
#   using Drover = import "/drover/annotations.capnp";
#   $Drover.namespace("race");

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("drover::annotations");

annotation namespace @0x83a7a766722ded4d (file) :Text;
# The C++ namespace of what Drover generates for this file, such as "acme::race". It must differ
# from the one $Cxx.namespace gives to Cap'n Proto's own generated code.

annotation concurrent @0x81954d83f86ef524 (interface, method) :Void;
# Calls of this method, or of every method of this interface, may run at the same time as other
# calls of the same servant, and start in any order. Without it a servant runs one call at a time,
# in the order of arrival.

annotation idempotent @0xe5560dca85a4ebef (interface, method) :Void;
# Running the method twice does no more than running it once, so a client may send the call again
# when it cannot know whether it was run.

annotation fd @0xa6305252dd1f2f08 (interface, field, param) :Void;
# The capability carries a file descriptor where it is passed on over a UNIX socket: its servant
# implements AttachedFd, and who receives it asks the proxy for attached_fd. On an interface: each of
# its objects does. This is a promise to the reader of the schema; the generated code is the same.
