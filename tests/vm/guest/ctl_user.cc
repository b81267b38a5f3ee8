// A program that uses an HBA's event log beside sasd, in the guest of tests/vm.
//
//   ctl_user NODE IOC query           prints the codes of the events that the log records
//   ctl_user NODE IOC enable CODE...  makes the log record only these; prints nothing
//   ctl_user NODE IOC read            prints "CONTEXT CODE" of each entry that the log has
//   ctl_user NODE IOC follow          does so for old and new ones, until killed
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "driver/transport/mpt3ctl/ctl_codec.h"
#include "driver/transport/mpt3ctl/posix_ctl_nodes.h"

namespace sasd::mpt3ctl {
namespace {

// One HBA at an open node.
class User {
 public:
  User(CtlNodes& nodes, int node, uint32_t ioc) : nodes_(nodes), node_(node), ioc_(ioc) {}

  int Query() {
    Bytes argument = EncodeEventQueryRequest(ioc_);
    if (!Call(ioctl_number::kEventQuery, argument)) return 1;
    const auto query = DecodeEventQuery(argument);
    for (uint16_t code = 0; query.ok() && code < 32 * EventMask::kWords; ++code) {
      if (query->mask.Has(code)) std::cout << code << '\n';
    }
    return query.ok() ? 0 : 1;
  }

  int Enable(const std::vector<std::string>& codes) {
    EventMask mask;
    for (const std::string& text : codes) {
      uint32_t code = 0;
      if (!absl::SimpleAtoi(text, &code) || code >= 32 * EventMask::kWords) return 2;
      mask.Add(static_cast<mpi::EventCode>(code));
    }
    Bytes argument = EncodeEventEnable(ioc_, mask);
    return Call(ioctl_number::kEventEnable, argument) ? 0 : 1;
  }

  int Read() { return PrintNews() ? 0 : 1; }

  int Follow() {
    while (PrintNews()) nodes_.Poll({&node_, 1}, absl::Seconds(1));
    return 1;
  }

 private:
  // Prints the entries from `next_` on.
  bool PrintNews() {
    Bytes report = EncodeEventReportRequest(ioc_);
    if (!Call(ioctl_number::kEventReport, report)) return false;
    std::map<uint32_t, uint32_t> news;
    for (size_t slot = 0; slot < kLogEntries; ++slot) {
      const auto entry = DecodeLogEntry(LogSlot(report, slot));
      const bool written = entry.ok() && entry->event != 0;
      if (written && entry->context >= next_) news[entry->context] = entry->event;
    }
    for (const auto& [context, event] : news) {
      std::cout << context << ' ' << event << '\n';
      next_ = context + 1;
    }
    std::cout.flush();
    return true;
  }

  bool Call(uint32_t number, Bytes& argument) {
    const int result = nodes_.Ioctl(node_, number, MutableByteSpan(argument));
    if (result < 0)
      std::cerr << "ctl_user: ioctl " << (number & 0xFF) << ": errno " << -result << '\n';
    return result >= 0;
  }

  CtlNodes& nodes_;
  const int node_;
  const uint32_t ioc_;
  uint32_t next_ = 0;
};

int Main(const std::vector<std::string>& words) {
  uint32_t ioc = 0;
  if (words.size() < 3 || !absl::SimpleAtoi(words[1], &ioc)) return 2;
  PosixCtlNodes nodes;
  const int node = nodes.Open(words[0].c_str());
  if (node < 0) {
    std::cerr << "ctl_user: " << words[0] << ": errno " << -node << '\n';
    return 1;
  }
  User user(nodes, node, ioc);
  if (words[2] == "query") return user.Query();
  if (words[2] == "enable") return user.Enable({words.begin() + 3, words.end()});
  if (words[2] == "read") return user.Read();
  if (words[2] == "follow") return user.Follow();
  return 2;
}

}  // namespace
}  // namespace sasd::mpt3ctl

int main(int argc, char** argv) {
  return sasd::mpt3ctl::Main(std::vector<std::string>(argv + 1, argv + argc));
}
