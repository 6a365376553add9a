@0xef5c5d2d9ed3e502;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("acme::std");
