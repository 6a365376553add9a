namespace cpp bench_thrift

service Bench {
  i32 calculate(1: i32 x),
  binary echo(1: binary data),
  oneway void note(1: i32 x),
}
