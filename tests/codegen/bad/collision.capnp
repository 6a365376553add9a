@0xfc7d3b50771599f9;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("bad");
struct Car { struct Engine {} }
struct CarEngine {}
struct WorkerProxy {}
interface Worker {}
interface Cook {}
interface CookZeroCopy {}
