#include "daemon/change_audit.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "rpc/undecodable.h"

namespace sasd {
namespace {

// A name of a certificate and the text of an error are of any length, and of any bytes.
std::string Cut(absl::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (safe.size() >= rpc::kMostAudited) return safe + "...";
    if (absl::ascii_isprint(static_cast<unsigned char>(c))) {
      safe.push_back(c);
    } else {
      absl::StrAppend(&safe, "\\x", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return safe;
}

registry::AuditRecord RecordOf(const rpc::AuditedCall& call) {
  registry::AuditRecord record;
  record.caller = Cut(rpc::Describe(call.caller.peer));
  record.role = std::string(rpc::RoleName(call.caller.role));
  record.method = call.method;
  record.request = call.request;
  const bool undecodable = rpc::IsUndecodable(call.status);  // as the caller hears it
  record.code = undecodable ? grpc::StatusCode::INVALID_ARGUMENT : call.status.error_code();
  record.message = undecodable ? "the request cannot be decoded" : Cut(call.status.error_message());
  record.refused = record.code == grpc::StatusCode::PERMISSION_DENIED ||
                   record.code == grpc::StatusCode::UNAUTHENTICATED;
  return record;
}

std::string LeftOutText(int64_t count) {
  return absl::StrCat(count,
                      count == 1 ? " failed call before it has" : " failed calls before it have",
                      " no record");
}

std::string TextOf(const registry::AuditRecord& record) {
  std::string text = absl::StrCat(record.caller, ", role ", record.role, ", called ", record.method,
                                  " {", record.request, "}: ");
  if (record.code == 0) {
    absl::StrAppend(&text, "done");
  } else {
    absl::StrAppend(&text, absl::StatusCodeToString(static_cast<absl::StatusCode>(record.code)),
                    ": ", record.message);
  }
  if (record.left_out > 0) absl::StrAppend(&text, " (", LeftOutText(record.left_out), ")");
  return text;
}

}  // namespace

bool ChangeAudit::Admits(const std::string& peer) {
  const absl::Duration now = clock_.Monotonic();
  if (now - window_ >= kWindow) {
    window_ = now;
    failures_ = 0;
    of_peer_.clear();
  }
  if (failures_ >= kFailures) return false;
  int& count = of_peer_[peer];
  if (count >= kFailuresOfPeer) return false;
  ++count;
  ++failures_;
  return true;
}

void ChangeAudit::Record(const rpc::AuditedCall& call) {
  registry::AuditRecord record = RecordOf(call);
  {
    absl::MutexLock lock(&mu_);
    if (record.code != 0 && !Admits(call.caller.key)) {
      ++left_out_;
      return;
    }
    record.left_out = std::exchange(left_out_, 0);
  }
  std::string text = TextOf(record);
  sink_(std::move(record), std::move(text));
}

void ChangeAudit::Look() { Flush(/*at_once=*/false); }

void ChangeAudit::Finish() { Flush(/*at_once=*/true); }

void ChangeAudit::Flush(bool at_once) {
  registry::AuditRecord record;
  {
    absl::MutexLock lock(&mu_);
    if (left_out_ == 0 || (!at_once && clock_.Monotonic() - window_ < kWindow)) return;
    record.left_out = std::exchange(left_out_, 0);
  }
  sink_(record, LeftOutText(record.left_out));
}

}  // namespace sasd
