#ifndef DRIVER_DISCOVERY_PAGE_READER_H_
#define DRIVER_DISCOVERY_PAGE_READER_H_

#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/endian.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/discovery/frame_sender.h"
#include "driver/transport/ioc_transport.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/mpi/pages.h"
#include "driver/wire/smp/smp_expander.h"

namespace sasd::discovery {

// Reads configuration pages, and asks expanders by SMP. A read takes one request, plus one for the
// header of each kind of page. Each read has its own buffer. A read that fails for a reason other
// than the page is tried again at once, kAttempts times in all. Thread-safe; waits for the IOC.
//
// Errors: kNotFound: there is no such page (the end of a "next" walk, or a handle that no longer
// exists); kAborted, kUnavailable: the host is in reset; kFailedPrecondition: it is gone; others:
// the page could not be read; the message has its name and the IOC's reply.
class PageReader {
 public:
  static constexpr int kAttempts = 3;

  // `ioc` outlives this. After each request, `sender` gets a chance at the free frame.
  PageReader(transport::IocTransport& ioc, FrameSender sender)
      : ioc_(ioc), sender_(std::move(sender)) {}

  absl::StatusOr<mpi::SasIoUnitPage0> SasIoUnit0() {
    return Read(mpi::SasIoUnitPage0::kHeader, 0, mpi::DecodeSasIoUnitPage0);
  }
  absl::StatusOr<mpi::SasPhyPage0> SasPhy0(PhyId phy) {
    return Read(mpi::SasPhyPage0::kHeader, mpi::page_address::Phy(phy), mpi::DecodeSasPhyPage0);
  }
  // `address`: mpi::page_address.
  absl::StatusOr<mpi::SasDevicePage0> SasDevice0(uint32_t address) {
    return Read(mpi::SasDevicePage0::kHeader, address, mpi::DecodeSasDevicePage0);
  }
  absl::StatusOr<mpi::ExpanderPage0> Expander0(uint32_t address) {
    return Read(mpi::ExpanderPage0::kHeader, address, mpi::DecodeExpanderPage0);
  }
  absl::StatusOr<mpi::ExpanderPage1> Expander1(DevHandle expander, PhyId phy) {
    return Read(mpi::ExpanderPage1::kHeader, mpi::page_address::ExpanderPhy(expander, phy),
                mpi::DecodeExpanderPage1);
  }
  absl::StatusOr<mpi::EnclosurePage0> Enclosure0(uint32_t address) {
    return Read(mpi::EnclosurePage0::kHeader, address, mpi::DecodeEnclosurePage0);
  }

  // SMP REPORT MANUFACTURER INFORMATION of an expander.
  absl::StatusOr<mpi::ReportManufacturerResponse> ReportManufacturer(SasAddress expander,
                                                                     PhysicalPort port);

 private:
  // `buffer` has room for the page; returns the number of bytes read.
  absl::StatusOr<size_t> ReadOnce(const mpi::PageHeader& header, uint32_t address,
                                  MutableByteSpan buffer);
  absl::StatusOr<Bytes> ReadBytes(const mpi::PageHeader& page, uint32_t address)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<mpi::PageHeader> Header(const mpi::PageHeader& page) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request);

  template <typename Decode>
  auto Read(const mpi::PageHeader& page, uint32_t address, Decode decode)
      -> decltype(decode(ByteSpan())) {
    absl::StatusOr<Bytes> bytes = ReadBytes(page, address);
    if (!bytes.ok()) return bytes.status();
    return decode(*bytes);
  }

  transport::IocTransport& ioc_;
  const FrameSender sender_;

  absl::Mutex mu_;
  // By extended type and number.
  absl::flat_hash_map<std::pair<uint8_t, uint8_t>, mpi::PageHeader> headers_ ABSL_GUARDED_BY(mu_);
};

// True for errors that report a host in reset or gone: stop then.
bool IsHostLost(const absl::Status& status);

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_PAGE_READER_H_
