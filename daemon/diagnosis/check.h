#ifndef DAEMON_DIAGNOSIS_CHECK_H_
#define DAEMON_DIAGNOSIS_CHECK_H_

#include <cstdint>
#include <string>

#include "driver/base/sas_address.h"

namespace sasd {

// One thing of the node that was looked at: whether sasd sees it, and if not, what mends that. A
// value; the texts are for people, one sentence each without a final full stop.
struct DiagnosisCheck {
  // The numbers equal sas.v1.CheckStatus.
  enum class Status : uint8_t {
    kOk = 1,
    kLimited = 2,  // less is seen, or later, than could be
    kBroken = 3,   // something is not seen at all
  };

  Status status = Status::kOk;
  std::string reason;   // UPPER_SNAKE, stable: "UEVENTS_REFUSED"; empty where kOk
  std::string subject;  // "uevents", "host11"
  SasAddress host;      // the host that it is about; 0: none
  std::string message;  // what is seen or not, and what is lost by it
  std::string remedy;   // empty where nothing is to be done
  std::string command;  // what mends it, for a root shell; empty where there is none
};

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_CHECK_H_
