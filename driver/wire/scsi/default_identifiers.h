#ifndef DRIVER_WIRE_SCSI_DEFAULT_IDENTIFIERS_H_
#define DRIVER_WIRE_SCSI_DEFAULT_IDENTIFIERS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sasd::mpi {

// An identifier that many units report, because nobody has given them one of their own.
struct DefaultIdentifier {
  absl::string_view id;       // as IdentifiesUnit() takes it, or a serial number
  absl::string_view reports;  // which devices report it
  absl::string_view source;   // who has seen it
};

// All that are known, apart from those that a rule finds (IdentifiesUnit, IsUnitSerial). To add
// one, name a public source.
absl::Span<const DefaultIdentifier> DefaultIdentifiers();
absl::Span<const DefaultIdentifier> DefaultSerials();

// Whether the list has it. Serial numbers: in any case, without blanks at the ends.
bool IsDefaultIdentifier(absl::string_view id);
bool IsDefaultSerial(absl::string_view serial);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_SCSI_DEFAULT_IDENTIFIERS_H_
