#ifndef DRIVER_TRANSPORT_PCI_IOC_SGL_WRITER_H_
#define DRIVER_TRANSPORT_PCI_IOC_SGL_WRITER_H_

#include <cstddef>
#include <cstdint>

#include "driver/base/endian.h"
#include "driver/wire/mpi/constants.h"

namespace sasd::pci_ioc {

// A request's data as the IOC sees it: each direction is one piece of contiguous memory.
struct DmaData {
  uint64_t out_address = 0, in_address = 0;
  uint32_t out_size = 0, in_size = 0;  // below 16 MiB; 0: none
};

// How the scatter-gather list of a request looks. Configuration has MPI elements in all
// generations; SCSI IO and SMP passthrough have IEEE elements from MPI 2.5 on (mpt3sas_base.c,
// mpt3sas_base_attach, build_sg).
enum class SglFormat : uint8_t { kNone, kMpi, kIeee };
SglFormat SglFormatOf(mpi::Function function, bool ieee);

// Writes the list: an element for the data out, then one for the data in, or one that is empty.
// Simple elements with 64-bit addresses (mpi2.h, MPI2_SGE_SIMPLE_UNION; MPI2_IEEE_SGE_SIMPLE64).
// `to` is the frame from the list's offset on. Returns the list's size in bytes; 0: it does not fit
// (nothing is written), or the format is kNone. Pure.
size_t WriteSgl(SglFormat format, const DmaData& data, MutableByteSpan to);

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_SGL_WRITER_H_
