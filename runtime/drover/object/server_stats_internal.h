// ServerStats as they travel: Node.stats of schema/drover/node.capnp.
#ifndef DROVER_OBJECT_SERVER_STATS_INTERNAL_H_
#define DROVER_OBJECT_SERVER_STATS_INTERNAL_H_

#include "drover/node.capnp.h"
#include "drover/object/server_stats.h"

namespace drover::object {

void WriteStats(const ServerStats& stats, protocol::Node::Stats::Builder out);
// May throw kj::Exception.
ServerStats ReadStats(protocol::Node::Stats::Reader in);

}  // namespace drover::object

#endif  // DROVER_OBJECT_SERVER_STATS_INTERNAL_H_
