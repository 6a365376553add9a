#include "model/oracle.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace drover::model {

using Code = absl::StatusCode;

bool Oracle::DependsOn(Target target, uint32_t call) const {
  std::set<uint32_t> seen;
  return DependsOn(target, call, seen);
}

bool Oracle::DependsOn(Target target, uint32_t call, std::set<uint32_t>& seen) const {
  while (target.kind == Target::Kind::kResult) {
    if (target.id == call) return true;
    if (!seen.insert(target.id).second) return false;
    const Known& known = calls_.at(target.id);
    if (known.result && DependsOn(*known.result, call, seen)) return true;
    target = known.on;
  }
  return false;
}

Oracle::Ends Oracle::EndsOn(Target target) {
  switch (target.kind) {
    case Target::Kind::kServant:
      return {.servant = target.id, .codes = {Code::kOk}};
    case Target::Kind::kNull:
      return {.servant = std::nullopt, .codes = {Code::kInvalidArgument}};
    case Target::Kind::kError:
      return {.servant = std::nullopt, .codes = {static_cast<Code>(target.id)}};
    case Target::Kind::kResult:
      break;
  }
  Ends ends = EndsOf(target.id);
  ends.servant = std::nullopt;
  const std::optional<Target>& result = calls_.at(target.id).result;
  if (ends.codes.erase(Code::kOk) > 0 && result) {
    const Ends further = EndsOn(*result);
    ends.servant = further.servant;
    ends.codes.insert(further.codes.begin(), further.codes.end());
    ends.since = std::min(ends.since, further.since);
  }
  return ends;
}

const Oracle::Ends& Oracle::EndsOf(uint32_t call) {
  const auto found = ends_.find(call);
  if (found != ends_.end()) return found->second;
  const Known& known = calls_.at(call);
  Ends ends = EndsOn(known.on);
  ends.since = std::min(ends.since, known.made_in);
  if (known.result && known.result->kind == Target::Kind::kError &&
      ends.codes.erase(Code::kOk) > 0) {
    ends.codes.insert(static_cast<Code>(known.result->id));
  }
  if (known.cancelled) ends.codes.insert(Code::kCancelled);
  return ends_[call] = ends;
}

std::string Oracle::Fault(uint32_t call, const CallRecord& record) {
  const Ends& ends = EndsOf(call);
  const Known& known = calls_.at(call);
  const std::optional<uint32_t> maker = known.maker;
  if (record.ran_by && record.ran_by != ends.servant) {
    return absl::StrCat("was run by ", *record.ran_by, " in place of ",
                        ends.servant ? absl::StrCat(*ends.servant) : "nobody");
  }
  // One that a servant should have made, but that servant's call was cancelled or lost.
  if (!record.status) return known.forgotten || maker ? "" : "has not ended";
  const Code code = record.status->code();
  if (code == Code::kOk && !record.ran_by) return "has an answer, but did not run";
  if (ends.codes.contains(code)) return "";
  const bool cut = record.ended_in > ends.since;
  if (cut && (code == Code::kUnavailable || code == Code::kCancelled)) return "";
  if (maker && code == Code::kCancelled && EndsOf(*maker).codes.contains(code)) return "";
  return absl::StrCat("ended as ", record.status->ToString());
}

std::string Oracle::Describe(uint32_t call) const {
  const Known& known = calls_.at(call);
  return absl::StrCat(
      "call ", call, known.cancelled ? " (cancelled)" : "", known.forgotten ? " (forgotten)" : "",
      known.maker ? absl::StrCat(" (made by ", *known.maker, ")") : "", " on ", Describe(known.on));
}

std::string Oracle::Describe(Target target) const {
  switch (target.kind) {
    case Target::Kind::kServant:
      return absl::StrCat("servant ", target.id);
    case Target::Kind::kNull:
      return "nothing";
    case Target::Kind::kError:
      return absl::StrCat("error ", target.id);
    case Target::Kind::kResult:
      break;
  }
  const std::optional<Target>& result = calls_.at(target.id).result;
  return absl::StrCat("the result of [", Describe(target.id), "], which is ",
                      result ? Describe(*result) : "not decided");
}

}  // namespace drover::model
