#ifndef CLI_OUTPUT_RECORD_ORDER_H_
#define CLI_OUTPUT_RECORD_ORDER_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/output/columns.h"
#include "cli/output/record_printer.h"
#include "google/protobuf/message.h"

namespace sasd::cli {

// Orders two cells as people do: numbers, sizes and rates by value, other texts with their numbers
// by value (expander-1:9 before expander-1:10) and sdz before sdaa. An empty one comes last. Less
// than, equal to or greater than 0.
int CompareCells(absl::string_view a, absl::string_view b);

// Holds records to put them into an order. Holds all of them in memory.
class RecordOrder {
 public:
  // `columns`: the first decides, then the next. Empty: the order in which they come. They must
  // outlive this. `reverse`: the last one first.
  RecordOrder(std::vector<const Column*> columns, bool reverse)
      : columns_(std::move(columns)), reverse_(reverse) {}

  // Copies them.
  void Add(const RecordPrinter::Page& page);
  // All of them in order, valid as long as this is.
  RecordPrinter::Page Sorted() const;

 private:
  const std::vector<const Column*> columns_;
  const bool reverse_;
  std::vector<std::unique_ptr<google::protobuf::Message>> records_;
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_RECORD_ORDER_H_
