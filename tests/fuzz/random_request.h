// Code generator requests that are nearly what the compiler makes: nodes of every kind, nested in
// each other, with members that refer to each other, in the measure that the bytes say.
#ifndef DROVER_TESTS_FUZZ_RANDOM_REQUEST_H_
#define DROVER_TESTS_FUZZ_RANDOM_REQUEST_H_

#include <capnp/schema.capnp.h>

#include <cstdint>
#include <span>

namespace drover::fuzz {

void BuildRequest(std::span<const uint8_t> bytes,
                  capnp::schema::CodeGeneratorRequest::Builder request);

}  // namespace drover::fuzz

#endif  // DROVER_TESTS_FUZZ_RANDOM_REQUEST_H_
