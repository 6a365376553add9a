@0xd02bfd16e8dbd957;
using Drover = import "/drover/annotations.capnp";
$Drover.namespace("books");

interface Book {
  text @0 () -> (text :Text);
}
interface Library {
  lend @0 (title :Text) -> (book :Book);
}
