#ifndef DAEMON_DIAGNOSIS_CHECK_H_
#define DAEMON_DIAGNOSIS_CHECK_H_

#include <cstdint>
#include <string>

#include "driver/observation/host_key.h"

namespace sasd {

// The result of one check of the node: whether sasd sees a thing, and if not, the remedy. A plain
// value. The texts are for people: one sentence each, without a final full stop.
struct DiagnosisCheck {
  // The numbers equal sas.v1.CheckStatus.
  enum class Status : uint8_t {
    kOk = 1,
    kLimited = 2,  // sasd sees less than it could, or sees it late
    kBroken = 3,   // sasd does not see it at all
  };

  Status status = Status::kOk;
  std::string reason;   // UPPER_SNAKE, stable: "UEVENTS_REFUSED"; empty for kOk
  std::string subject;  // "uevents", "host11"
  HostKey host;         // the host that the check is about; 0: none
  std::string message;  // what sasd sees or does not see, and the consequence
  std::string remedy;   // empty if none is needed
  std::string command;  // the remedy as a command for a root shell; empty if there is none
};

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_CHECK_H_
