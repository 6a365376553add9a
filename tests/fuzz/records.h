// A fuzzer's input as a sequence of records of eight bytes: what to do, and seven numbers for it.
// Records have one size so that mutations of one leave the others what they are.
#ifndef DROVER_TESTS_FUZZ_RECORDS_H_
#define DROVER_TESTS_FUZZ_RECORDS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace drover::fuzz {

using Record = std::array<uint8_t, 8>;

inline std::vector<Record> ReadRecords(const uint8_t* data, size_t size) {
  std::vector<Record> records(size / sizeof(Record));
  if (!records.empty()) std::memcpy(records.data(), data, records.size() * sizeof(Record));
  return records;
}

// For LLVMFuzzerCustomMutator: adds, removes, repeats, moves or changes records. `mutate_bytes` is
// libFuzzer's own mutation of a few bytes.
template <class MutateBytes>
size_t MutateRecords(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                     MutateBytes mutate_bytes) {
  std::minstd_rand random(seed);
  std::vector<Record> records = ReadRecords(data, size);
  const auto any = [&] { return random() % records.size(); };
  const auto at = [&](size_t i) { return records.begin() + static_cast<std::ptrdiff_t>(i); };
  const auto random_record = [&] {
    Record record;
    // Small numbers, so that records speak of the same things.
    for (uint8_t& byte : record)
      byte = static_cast<uint8_t>(random() % 4 == 0 ? random() : random() % 8);
    record[0] = static_cast<uint8_t>(random());
    return record;
  };
  switch (records.empty() ? 0 : random() % 7) {
    case 0:
      records.insert(at(records.empty() ? 0 : any()), random_record());
      break;
    case 1:
      records.erase(at(any()));
      break;
    case 2: {
      const Record copy = records[any()];
      records.insert(at(any()), copy);
      break;
    }
    case 3:
      std::swap(records[any()], records[any()]);
      break;
    case 4: {
      Record& record = records[any()];
      record[1 + random() % 7] = static_cast<uint8_t>(random() % 8);
      break;
    }
    case 5:
      records.push_back(random_record());
      break;
    default: {
      Record& record = records[any()];
      mutate_bytes(record.data(), record.size(), record.size());
      break;
    }
  }
  const size_t kept = std::min(records.size(), max_size / sizeof(Record));
  if (kept > 0) std::memcpy(data, records.data(), kept * sizeof(Record));
  return kept * sizeof(Record);
}

}  // namespace drover::fuzz

#endif  // DROVER_TESTS_FUZZ_RECORDS_H_
