@0xa3b2076965a9055c;
struct A {}
