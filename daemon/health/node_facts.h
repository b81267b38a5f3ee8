#ifndef DAEMON_HEALTH_NODE_FACTS_H_
#define DAEMON_HEALTH_NODE_FACTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "driver/base/sas_address.h"

namespace sasd::health {

// So long before its end a certificate is a finding.
inline constexpr absl::Duration kCertificateNotice = absl::Hours(24 * 30);

// What health cannot see in the registry.
struct NodeFacts {
  enum class Journal : uint8_t { kWell, kStalled, kRefused };  // kWell: also without a journal
  Journal journal = Journal::kWell;
  std::string journal_message;  // why it is not well, and what to do

  // A host whose picture is from before a restart.
  struct StaleHost {
    HostKey host;
    bool not_read = false;  // the boot grace is over
    std::string waits_for;  // "the firmware: discovery is in progress"
  };
  std::vector<StaleHost> stale_hosts;

  // A host that the operating system names and that cannot be read.
  struct UnreadableHost {
    std::string name;    // "host3"
    std::string reason;  // why, and what to do
  };
  std::vector<UnreadableHost> unreadable_hosts;

  // An HBA that is in the machine, and that no driver shows now: sasd is to drive it itself, and it
  // is on its way to sasd or back to the kernel's driver, or nobody could take it.
  struct HandedOverHba {
    std::string pci_address;  // "0000:03:00.0"
    std::string where;        // who has it, and what to do
  };
  std::vector<HandedOverHba> handed_over;

  // A certificate of the files with which sasd serves TLS, or such a file that has none to read.
  struct Certificate {
    std::string name;  // "CN=node.example.org in /etc/sasd/node.pem", or the file
    absl::Time begin = absl::InfinitePast(), end = absl::InfiniteFuture();  // of its validity
    std::string error;  // why it cannot be read; empty: it can
  };
  std::vector<Certificate> certificates;
};

// Thread-safe; makes no I/O.
using NodeFactsSource = std::function<NodeFacts()>;

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_NODE_FACTS_H_
