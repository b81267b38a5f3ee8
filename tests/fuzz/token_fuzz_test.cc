// Texts with one spelling that clients and people send: resource names, addresses and resume
// tokens. Any text gives a value or an error that contains the text. A parsed value is written the
// same again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "daemon/service/names.h"
#include "daemon/watch/resume_token.h"
#include "driver/base/sas_address.h"
#include "tests/fuzz/properties.h"

namespace sasd {
namespace {

using fuzz::Check;

void CheckNames(absl::string_view text) {
  const absl::Status refused[] = {
      service::ParseName(text).status(), service::ParseHostName(text).status(),
      service::ParseOwnerName(text).status(), service::ParseEnclosureName(text).status()};
  for (const absl::Status& status : refused) {
    Check(status.ok() || absl::StrContains(status.message(), text), "an error contains the text");
  }
  if (const auto id = service::ParseName(text); id.ok()) {
    Check(service::NameOf(*id) == text, "a resource has one spelling");
  }
  if (const auto host = service::ParseHostName(text); host.ok()) {
    Check(service::HostName(*host) == text, "a host has one spelling");
  }
  if (const auto owner = service::ParseOwnerName(text); owner.ok()) {
    Check(service::OwnerName(*owner) == text, "an owner has one spelling");
  }
  if (const auto enclosure = service::ParseEnclosureName(text); enclosure.ok()) {
    Check(service::EnclosureName(*enclosure) == text, "an enclosure has one spelling");
  }
  // A logical unit with any identifier has a resource name that parses.
  const std::string unit = service::LogicalUnitName(registry::LogicalUnitKey(registry::Text(text)));
  if (!text.empty()) Check(service::ParseName(unit).ok(), "a logical unit's name parses");
}

void CheckTokens(absl::string_view text) {
  const auto token = watch::ParseResumeToken(text);
  if (token.ok()) {
    Check(watch::EncodeResumeToken(token->epoch, token->revision) == text,
          "a token has one spelling");
  } else {
    Check(absl::StrContains(token.status().message(), text), "an error contains the text");
  }
  if (text.empty() || absl::StrContains(text, '.')) return;
  const auto made = watch::ParseResumeToken(watch::EncodeResumeToken(text, 7));
  Check(made.ok() && made->epoch == text && made->revision == 7,
        "a token has the parts it was made of");
}

void CheckAddress(absl::string_view text) {
  const auto address = ParseSasAddress(text);
  if (!address.ok()) {
    return Check(absl::StrContains(address.status().message(), text), "an error contains the text");
  }
  Check(*ParseSasAddress(ToHex(*address)) == *address, "an address survives its digits");
}

}  // namespace
}  // namespace sasd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = sasd::fuzz::TextOf({data, size});
  sasd::CheckNames(text);
  sasd::CheckTokens(text);
  sasd::CheckAddress(text);
  return 0;
}
