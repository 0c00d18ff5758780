// Placing, binding and relocating: everything is planned and checked before memory is mapped, except whether distances
// fit, which the addresses decide; then one publish.
#include <elf.h>

#include <algorithm>
#include <cstring>

#include "vm/core/code_memory.h"
#include "vm/linker/imports.h"
#include "vm/linker/load_image.h"
#include "vm/linker/target.h"

namespace bpftime::aot {

const RelocationKind* relocation_kind(const Target& target, std::uint32_t type) {
    const auto row = std::ranges::find(target.relocations, type, &RelocationKind::type);
    return row == target.relocations.end() ? nullptr : &*row;
}

namespace {

constexpr std::uint64_t kMaxImage = 128u << 20;                  // a direct branch of AArch64 reaches this far
constexpr std::uint64_t kLowAddress = std::uint64_t{768} << 20;  // hint for images that must lie below 2 GiB
constexpr std::string_view kPic = "compile with -fPIC";

class LinkedObject final : public Executable {
public:
    LinkedObject(CodeMemory memory, Entry start, std::size_t code_size)
        : memory_(std::move(memory)), entry_(start), code_size_(code_size) {}
    std::uint64_t run(void* ctx, std::uint64_t size) const override { return entry_(ctx, size); }
    Entry entry() const override { return entry_; }
    std::size_t code_size() const override { return code_size_; }

private:
    CodeMemory memory_;
    Entry entry_;
    std::size_t code_size_;
};

// The three kinds of memory of CodeLayout, and sections that are not loaded.
enum class Region : std::uint8_t { Code, Constants, Data, None };

// Bytes of a region as it fills up.
struct Extent {
    std::uint64_t size = 0;

    std::uint64_t add(std::uint64_t bytes, std::uint64_t align) {
        const auto at = (size + align - 1) / align * align;
        size = at + bytes;
        return at;
    }
};

struct PlacedSection {
    Region region = Region::None;
    std::uint64_t offset = 0;  // in the region
};

constexpr std::uint32_t kNone = UINT32_MAX;

struct BoundSymbol {
    enum class Kind : std::uint8_t { Unusable, Address, InRegion } kind = Kind::Unusable;
    Region region = Region::None;
    std::uint64_t value = 0;     // address, or offset in the region
    std::uint32_t slot = kNone;  // index in the table of addresses
    std::uint32_t stub = kNone;  // index among the stubs
};

struct PlannedRelocation {
    const RelocationKind* kind;
    std::uint32_t section;
    elf::Relocation entry;
};

class Image {
public:
    explicit Image(const Linking& linking) : linking_(linking), object_(linking.object) { thunks_.fill(kNoThunk); }

    Status plan() {
        BPFTIME_CHECK(place_sections());
        BPFTIME_CHECK(bind_symbols());
        BPFTIME_CHECK(plan_relocations());
        place_tables();
        if (code_.size + constants_.size + data_.size > kMaxImage)
            return fail(failure("the object asks for more than ", kMaxImage >> 20, " MiB of memory"));
        return {};
    }
    CodeLayout layout() const { return {code_.size, constants_.size, data_.size}; }
    const void* near() const { return low_ ? reinterpret_cast<const void*>(kLowAddress) : near_; }
    Status fill(const CodePointers& memory);
    std::uint64_t entry_offset() const { return symbols_[entry_].value; }

private:
    static constexpr std::uint64_t kNoThunk = UINT64_MAX;

    // Planning.
    Result<Region> region_of(const elf::Section& section) const;
    Status place_sections();
    Status bind_symbols();
    Result<BoundSymbol> bind(const elf::Symbol& symbol);
    Result<BoundSymbol> bind_import(const elf::Symbol& symbol);
    Status find_entry(const elf::Symbol& symbol, std::uint32_t index);
    Status plan_relocations();
    Status plan_table(const elf::Section& table);
    Status plan_relocation(const PlannedRelocation& planned);
    Status check_no_overlap(std::size_t first) const;
    void place_tables();
    Extent& extent(Region region) {
        return region == Region::Code ? code_ : region == Region::Constants ? constants_ : data_;
    }

    // Filling.
    std::uint8_t* base(Region region) const {
        return region == Region::Code ? memory_.code : region == Region::Constants ? memory_.constants : memory_.data;
    }
    std::uint64_t address(const BoundSymbol& symbol) const {
        return symbol.kind == BoundSymbol::Kind::InRegion
                   ? reinterpret_cast<std::uint64_t>(base(symbol.region)) + symbol.value
                   : symbol.value;
    }
    void write_thunks();
    Status relocate(const PlannedRelocation& planned);
    std::string describe(std::uint32_t symbol) const;
    std::string where(const PlannedRelocation& planned) const;

    const Linking& linking_;
    const elf::Object& object_;
    const Target& target_ = kHost.target;
    std::vector<PlacedSection> sections_;
    std::vector<BoundSymbol> symbols_;
    std::vector<PlannedRelocation> relocations_;
    Extent code_, constants_, data_;
    std::array<std::uint64_t, kThunkCount> thunks_{};  // offset in code, or kNoThunk
    std::array<std::uint64_t, kThunkCount> tables_{};  // offset in constants of each thunk's table
    std::uint32_t slots_ = 0, stubs_ = 0;
    std::uint64_t slots_at_ = 0, stubs_at_ = 0;  // offsets in constants and code
    std::uint32_t entry_ = kNone;
    bool low_ = false;
    const void* near_ = nullptr;
    CodePointers memory_;
};

// Sections: what is loaded, and where.

Result<Region> Image::region_of(const elf::Section& section) const {
    const bool unwind = section.type == SHT_X86_64_UNWIND || section.name == ".eh_frame";
    if (!section.has(SHF_ALLOC) || unwind || section.type == SHT_NOTE) return Region::None;
    if (section.has(SHF_WRITE) && section.has(SHF_EXECINSTR))
        return fail(failure("section ", section.name, " is writable and executable").with_errno(EACCES));
    if (section.has(SHF_TLS))
        return fail(failure("section ", section.name, " holds thread-local data, which an object cannot have"));
    if (section.has(SHF_COMPRESSED)) return fail(failure("section ", section.name, " is compressed"));
    if (section.type != SHT_PROGBITS && section.type != SHT_NOBITS)
        return fail(failure("section ", section.name, " has type ", section.type, ", which cannot be loaded")
                        .with_hint("constructors and destructors are not run"));
    if (section.has(SHF_EXECINSTR)) return Region::Code;
    // Written by relocations only.
    if (!section.has(SHF_WRITE) || section.name.starts_with(".data.rel.ro")) return Region::Constants;
    return Region::Data;
}

Status Image::place_sections() {
    sections_.resize(object_.sections().size());
    for (std::size_t i = 1; i < sections_.size(); ++i) {
        const elf::Section& section = object_.sections()[i];
        const Region region = BPFTIME_TRY(region_of(section));
        if (region == Region::None) continue;
        if (section.size > kMaxImage)
            return fail(failure("section ", section.name, " asks for ", section.size, " bytes of memory"));
        sections_[i] = {region, extent(region).add(section.size, section.align)};
    }
    return {};
}

// Symbols: what each means in this process.

Status Image::bind_symbols() {
    symbols_.resize(object_.symbol_count());
    for (std::uint32_t i = 0; i < symbols_.size(); ++i) {
        if (i == 0) {  // the reserved symbol: relocations without one use it
            symbols_[i].kind = BoundSymbol::Kind::Address;
            continue;
        }
        const elf::Symbol symbol = object_.symbol(i);
        symbols_[i] = BPFTIME_TRY(bind(symbol));
        BPFTIME_CHECK(find_entry(symbol, i));
    }
    if (entry_ == kNone)
        return fail(failure("the object defines no function '", linking_.entry(), '\'')
                        .with_hint("name the function to start at with --entry"));
    return {};
}

Result<BoundSymbol> Image::bind(const elf::Symbol& symbol) {
    using Kind = BoundSymbol::Kind;
    if (symbol.type == STT_TLS || symbol.type == STT_GNU_IFUNC)
        return fail(failure("symbol '", symbol.name, "' is ",
                            symbol.type == STT_TLS ? "thread-local" : "an indirect function",
                            ", which an object cannot have"));
    switch (symbol.section) {
        case SHN_UNDEF: return bind_import(symbol);
        case SHN_ABS: return BoundSymbol{.kind = Kind::Address, .value = symbol.value};
        case SHN_COMMON: {
            const bool aligned =
                symbol.value != 0 && symbol.value <= elf::kMaxAlign && (symbol.value & (symbol.value - 1)) == 0;
            if (!aligned || symbol.size > kMaxImage)
                return fail(failure("common symbol '", symbol.name, "' has no valid size and alignment"));
            return BoundSymbol{
                .kind = Kind::InRegion, .region = Region::Data, .value = data_.add(symbol.size, symbol.value)};
        }
        default: break;
    }
    const PlacedSection& section = sections_[symbol.section];
    if (section.region == Region::None) return BoundSymbol{};
    return BoundSymbol{.kind = Kind::InRegion, .region = section.region, .value = section.offset + symbol.value};
}

Result<BoundSymbol> Image::bind_import(const elf::Symbol& symbol) {
    const Import import = BPFTIME_TRY(resolve_import(linking_, symbol.name, symbol.binding == STB_WEAK));
    if (import.kind == Import::Kind::Unusable) return BoundSymbol{};
    if (import.kind == Import::Kind::Address) {
        if (import.code && near_ == nullptr) near_ = reinterpret_cast<const void*>(import.address);
        return BoundSymbol{.kind = BoundSymbol::Kind::Address, .value = import.address};
    }
    const auto index = static_cast<std::size_t>(import.thunk);
    if (thunks_[index] == kNoThunk) {
        thunks_[index] = code_.add(import.thunk == Thunk::Dispatch ? kDispatchThunkSize : kLookupThunkSize, 16);
        tables_[index] = constants_.add(write_table(linking_, import.thunk, nullptr), 8);
    }
    return BoundSymbol{.kind = BoundSymbol::Kind::InRegion, .region = Region::Code, .value = thunks_[index]};
}

Status Image::find_entry(const elf::Symbol& symbol, std::uint32_t index) {
    if (symbol.section == SHN_UNDEF || symbol.binding == STB_LOCAL || symbol.name != linking_.entry()) return {};
    if (entry_ != kNone) return fail(failure("the object defines '", symbol.name, "' twice"));
    const BoundSymbol& bound = symbols_[index];
    const bool code = bound.kind == BoundSymbol::Kind::InRegion && bound.region == Region::Code &&
                      symbol.value % target_.code_align == 0 && symbol.value < object_.sections()[symbol.section].size;
    if (!code || (symbol.type != STT_FUNC && symbol.type != STT_NOTYPE))
        return fail(failure("the entry '", symbol.name, "' is not a function"));
    entry_ = index;
    return {};
}

// Relocations: each kind known, each place inside its section and patched once, each symbol loaded.

Status Image::plan_relocations() {
    std::size_t count = 0;
    for (const elf::Section& table : object_.sections())
        if (table.type == SHT_RELA && sections_[table.info].region != Region::None)
            count += elf::Object::relocation_count(table);
    relocations_.reserve(count);
    std::vector<bool> patched(sections_.size());
    for (const elf::Section& table : object_.sections()) {
        if ((table.type != SHT_RELA && table.type != SHT_REL) || sections_[table.info].region == Region::None) continue;
        if (table.type == SHT_REL)
            return fail(failure("relocations ", table.name, " have no addends, which this machine does not use"));
        if (patched[table.info])
            return fail(failure("section ", object_.sections()[table.info].name, " has two tables of relocations"));
        patched[table.info] = true;
        BPFTIME_CHECK(plan_table(table));
    }
    return {};
}

Status Image::plan_table(const elf::Section& table) {
    const std::size_t first = relocations_.size();
    std::uint64_t end = 0;
    bool in_order = true;
    for (std::size_t i = 0; i < elf::Object::relocation_count(table); ++i) {
        const elf::Relocation entry = elf::Object::relocation(table, i);
        const RelocationKind* kind = relocation_kind(target_, entry.type);
        if (kind == nullptr)
            return fail(failure("relocation type ", entry.type, " in ", table.name, " is unknown to this linker")
                            .with_hint(kPic));
        relocations_.push_back({kind, table.info, entry});
        BPFTIME_CHECK(plan_relocation(relocations_.back()));
        in_order = in_order && entry.offset >= end;
        end = entry.offset + kind->size;
    }
    return in_order ? Status{} : check_no_overlap(first);
}

Status Image::plan_relocation(const PlannedRelocation& planned) {
    const elf::Section& section = object_.sections()[planned.section];
    const RelocationKind& kind = *planned.kind;
    if (planned.entry.offset > section.size || section.size - planned.entry.offset < kind.size)
        return fail(
            failure("relocation ", where(planned), " reaches outside its section").with_hint("the object is damaged"));
    BoundSymbol& symbol = symbols_[planned.entry.symbol];
    if (symbol.kind == BoundSymbol::Kind::Unusable)
        return fail(failure("relocation ", where(planned), " refers to ", describe(planned.entry.symbol),
                            ", which is not loaded"));
    if (kind.via == Via::Got && symbol.slot == kNone) symbol.slot = slots_++;
    if (kind.via == Via::Branch && symbol.kind == BoundSymbol::Kind::Address && symbol.stub == kNone)
        symbol.stub = stubs_++;
    low_ = low_ || kind.low;
    return {};
}

// For a table that is not in order of its offsets.
Status Image::check_no_overlap(std::size_t first) const {
    std::vector<const PlannedRelocation*> order;
    for (std::size_t i = first; i < relocations_.size(); ++i) order.push_back(&relocations_[i]);
    std::ranges::sort(order, {}, [](const PlannedRelocation* r) { return r->entry.offset; });
    for (std::size_t i = 1; i < order.size(); ++i)
        if (order[i]->entry.offset < order[i - 1]->entry.offset + order[i - 1]->kind->size)
            return fail(failure("relocations ", where(*order[i - 1]), " and ", where(*order[i]), " overlap")
                            .with_hint("the object is damaged"));
    return {};
}

void Image::place_tables() {
    if (stubs_ != 0) stubs_at_ = code_.add(std::uint64_t{stubs_} * kStubSize, kStubSize);
    if (slots_ != 0) slots_at_ = constants_.add(std::uint64_t{slots_} * sizeof(std::uint64_t), sizeof(std::uint64_t));
}

// Filling: memory is fresh, zero and writable.

Status Image::fill(const CodePointers& memory) {
    memory_ = memory;
    for (std::size_t i = 1; i < sections_.size(); ++i) {
        const auto bytes = object_.sections()[i].bytes;
        if (sections_[i].region != Region::None && !bytes.empty())
            std::memcpy(base(sections_[i].region) + sections_[i].offset, bytes.data(), bytes.size());
    }
    write_thunks();
    for (const PlannedRelocation& planned : relocations_) BPFTIME_CHECK(relocate(planned));
    return {};
}

void Image::write_thunks() {
    for (std::size_t i = 0; i < kThunkCount; ++i) {
        if (thunks_[i] == kNoThunk) continue;
        const auto thunk = static_cast<Thunk>(i);
        std::uint8_t* table = memory_.constants + tables_[i];
        write_table(linking_, thunk, table);
        if (thunk == Thunk::Dispatch)
            target_.write_dispatch(memory_.code + thunks_[i], reinterpret_cast<std::uint64_t>(table), kHelperLimit);
        else
            target_.write_lookup(memory_.code + thunks_[i], lookup_function(thunk),
                                 reinterpret_cast<std::uint64_t>(table));
    }
}

Status Image::relocate(const PlannedRelocation& planned) {
    const RelocationKind& kind = *planned.kind;
    const PlacedSection& section = sections_[planned.section];
    const BoundSymbol& symbol = symbols_[planned.entry.symbol];
    std::uint8_t* bytes = base(section.region) + section.offset + planned.entry.offset;
    const Place place{bytes, reinterpret_cast<std::uint64_t>(bytes), planned.entry.addend, planned.entry.offset};
    const std::uint64_t value = address(symbol);
    bool fits = false;
    if (kind.via == Via::Got) {
        if (kind.relax != nullptr && kind.relax(place, value)) return {};
        std::uint8_t* slot = memory_.constants + slots_at_ + std::uint64_t{symbol.slot} * sizeof value;
        std::memcpy(slot, &value, sizeof value);
        fits = kind.apply(place, reinterpret_cast<std::uint64_t>(slot));
    } else {
        fits = kind.apply(place, value);
        if (!fits && symbol.stub != kNone && kind.via == Via::Branch) {
            std::uint8_t* stub = memory_.code + stubs_at_ + std::uint64_t{symbol.stub} * kStubSize;
            target_.write_stub(stub, value);
            fits = kind.apply(place, reinterpret_cast<std::uint64_t>(stub));
        }
    }
    if (fits) return {};
    return fail(failure("relocation ", where(planned), " to ", describe(planned.entry.symbol),
                        " is out of range: ", kind.formula, " must be ", kind.range)
                    .with_hint(kPic));
}

std::string Image::describe(std::uint32_t index) const {
    const elf::Symbol symbol = object_.symbol(index);
    if (!symbol.name.empty()) return cat('\'', symbol.name, '\'');
    if (symbol.section == SHN_UNDEF || symbol.section >= sections_.size()) return cat("symbol ", index);
    return cat("section ", object_.sections()[symbol.section].name);
}

std::string Image::where(const PlannedRelocation& planned) const {
    return cat(planned.kind->name, " at ", object_.sections()[planned.section].name, '+', hex(planned.entry.offset));
}

}  // namespace

Result<std::unique_ptr<Executable>> publish_image(const Linking& linking) {
    Image image(linking);
    BPFTIME_CHECK(image.plan());
    const CodeLayout layout = image.layout();
    CodeMemory memory =
        BPFTIME_TRY(CodeMemory::publish(layout, image.near(), [&](const CodePointers& at) { return image.fill(at); }));
    const auto entry = reinterpret_cast<Entry>(reinterpret_cast<std::uintptr_t>(memory.code()) + image.entry_offset());
    return std::make_unique<LinkedObject>(std::move(memory), entry, layout.code);
}

}  // namespace bpftime::aot

namespace bpftime {

Result<std::unique_ptr<Executable>> load_image(std::span<const std::uint8_t> bytes, const Metadata* metadata,
                                               const Bindings& bindings, const LinkOptions& options) {
    const elf::Object object = BPFTIME_TRY(elf::Object::parse(bytes));
    aot::Linking linking{object, metadata, bindings, options};
    BPFTIME_CHECK(aot::check_object(linking));
    return aot::publish_image(linking);
}

}  // namespace bpftime
