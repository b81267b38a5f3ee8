#ifndef CLI_OUTPUT_RECORD_PRINTER_H_
#define CLI_OUTPUT_RECORD_PRINTER_H_

#include <memory>
#include <ostream>
#include <vector>

#include "google/protobuf/message.h"

namespace sasd::cli {

// Prints resources of one kind, page by page. Keeps none of them.
class RecordPrinter {
 public:
  using Page = std::vector<const google::protobuf::Message*>;

  virtual ~RecordPrinter() = default;
  virtual void Print(const Page& page) = 0;
  // Call it after the last page, even if there was none.
  virtual void Finish() {}
};

// Prints one JSON array, with one element per line.
std::unique_ptr<RecordPrinter> NewJsonPrinter(std::ostream& out);
// Prints one JSON object per line.
std::unique_ptr<RecordPrinter> NewJsonlPrinter(std::ostream& out);
// Prints one YAML list.
std::unique_ptr<RecordPrinter> NewYamlPrinter(std::ostream& out);
// Prints one resource name per line.
std::unique_ptr<RecordPrinter> NewNamePrinter(std::ostream& out);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_RECORD_PRINTER_H_
