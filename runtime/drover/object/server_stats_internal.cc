#include "drover/object/server_stats_internal.h"

#include <string>

namespace drover::object {
namespace {

std::string TextOf(capnp::Text::Reader text) { return std::string(text.begin(), text.size()); }

}  // namespace

void WriteStats(const ServerStats& stats, protocol::Node::Stats::Builder out) {
  out.setConnections(static_cast<uint32_t>(stats.connections.size()));
  auto methods = out.initMethods(static_cast<unsigned>(stats.methods.size()));
  for (unsigned i = 0; i < methods.size(); ++i) {
    const MethodStats& from = stats.methods[i];
    methods[i].setName(from.name);
    methods[i].setCalls(from.calls);
    methods[i].setErrors(from.errors);
    auto latency = methods[i].initLatency(static_cast<unsigned>(from.latency.size()));
    for (unsigned j = 0; j < latency.size(); ++j) latency.set(j, from.latency[j]);
  }
  auto tables = out.initTables(static_cast<unsigned>(stats.connections.size()));
  for (unsigned i = 0; i < tables.size(); ++i) {
    const ConnectionStats& from = stats.connections[i];
    tables[i].setPeer(from.peer);
    tables[i].setQuestions(from.questions);
    tables[i].setAnswers(from.answers);
    tables[i].setExports(from.exports);
    tables[i].setImports(from.imports);
    tables[i].setCallBytes(from.call_bytes);
    tables[i].setBytesIn(from.bytes_in);
    tables[i].setBytesOut(from.bytes_out);
    tables[i].setSharesMemory(from.shares_memory);
  }
}

ServerStats ReadStats(protocol::Node::Stats::Reader in) {
  ServerStats stats;
  for (auto method : in.getMethods()) {
    MethodStats& to = stats.methods.emplace_back();
    to.name = TextOf(method.getName());
    to.calls = method.getCalls();
    to.errors = method.getErrors();
    for (uint64_t count : method.getLatency()) to.latency.push_back(count);
  }
  for (auto table : in.getTables()) {
    stats.connections.push_back({.peer = TextOf(table.getPeer()),
                                 .questions = table.getQuestions(),
                                 .answers = table.getAnswers(),
                                 .exports = table.getExports(),
                                 .imports = table.getImports(),
                                 .call_bytes = table.getCallBytes(),
                                 .bytes_in = table.getBytesIn(),
                                 .bytes_out = table.getBytesOut(),
                                 .shares_memory = table.getSharesMemory()});
  }
  return stats;
}

}  // namespace drover::object
