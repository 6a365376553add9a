// A code generator request: the bytes of one, or, after a first byte of FF, one that is made as the
// other bytes say.
//
// Must hold: it gives either problems or four files of text for each requested one.
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "codegen/generator.h"
#include "fuzz/check.h"
#include "fuzz/random_request.h"

namespace {

using capnp::schema::CodeGeneratorRequest;

void Generate(CodeGeneratorRequest::Reader request) {
  const drover::codegen::Generated generated = drover::codegen::Generate(request);
  if (!generated.problems.empty()) {
    FUZZ_CHECK(generated.files.empty());
    for (const std::string& problem : generated.problems) FUZZ_CHECK(!problem.empty());
    return;
  }
  FUZZ_CHECK(generated.files.size() % 4 == 0);
  for (const auto& [path, text] : generated.files) FUZZ_CHECK(!text.empty()) << path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] == 0xff) {
    capnp::MallocMessageBuilder message;
    auto request = message.initRoot<CodeGeneratorRequest>();
    drover::fuzz::BuildRequest({data + 1, size - 1}, request);
    Generate(request.asReader());
    return 0;
  }
  std::vector<capnp::word> words(size / sizeof(capnp::word));
  if (!words.empty()) std::memcpy(static_cast<void*>(words.data()), data, words.size() * 8);
  try {
    capnp::ReaderOptions options;
    options.nestingLimit = 1024;  // as capnpc-drover reads it
    capnp::FlatArrayMessageReader message(kj::arrayPtr(words.data(), words.size()), options);
    Generate(message.getRoot<CodeGeneratorRequest>());
  } catch (const kj::Exception&) {
    // What cannot be read at all.
  }
  return 0;
}
