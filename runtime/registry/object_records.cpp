#include "runtime/registry/object_records.h"

#include "vm/core/codec.h"
#include "vm/core/decode.h"

namespace bpftime {

namespace {

// ---- Layout: one function a kind, for both directions ---------------------------------------------------------------------

template <class Coder, class References>
void visit_references(Coder& code, References& references) {
    code.list(references, 5, [&](auto& one) {
        code.number(one.kind);
        code.number(one.id);
    });
}

template <class Coder, class M>
void visit_map(Coder& code, M& map) {
    code.text(map.spec.name);
    code.number(map.spec.type);
    code.number(map.spec.key_size);
    code.number(map.spec.value_size);
    code.number(map.spec.max_entries);
    code.number(map.spec.flags);
    code.number(map.spec.extra);
    code.number(map.key_type);
    code.number(map.value_type);
}

template <class Coder, class P>
void visit_program(Coder& code, P& object) {
    auto& program = object.program;
    code.text(program.name);
    code.text(program.section);
    code.number(program.type);
    code.number(program.expected_attach_type);
    code.text(program.license);
    code.number(object.flags);
    for (auto& byte : object.tag) code.number(byte);
    code.number(object.load_time);
    code.number(object.user);
    code.number(object.attach_btf_type);
    code.list(object.functions, 8, [&](auto& function) {
        code.number(function.insn);
        code.number(function.type);
    });
    code.list(object.lines, 16, [&](auto& line) {
        code.number(line.insn);
        code.number(line.file_name);
        code.number(line.line);
        code.number(line.line_column);
    });
    code.list(program.source_files, 4, [&](auto& file) { code.line(file); });
    code.list(program.lines, 20, [&](auto& line) {
        code.number(line.insn);
        code.number(line.line);
        code.number(line.column);
        code.number(line.file);
        code.line(line.text);
    });
    code.list(program.subprograms, 12, [&](auto& sub) {
        code.text(sub.name);
        code.number(sub.begin);
        code.number(sub.end);
    });
}

template <class Coder, class T>
void visit_target(Coder& code, T& target) {
    code.number(target.kind);
    code.line(target.path);
    code.number(target.file.device);
    code.number(target.file.inode);
    code.list(target.sites, 24, [&](auto& site) {
        code.number(site.offset);
        code.number(site.ref_ctr_offset);
        code.number(site.cookie);
    });
    code.text(target.tracepoint);
    code.number(target.pid);
    code.number(target.cpu);
    code.number(target.type);
    code.number(target.config);
    code.number(target.frequency);
    code.number(target.sample_type);
    code.number(target.wakeup);
    code.number(target.watermark);
}

template <class Coder, class L>
void visit_link(Coder& code, L& link) {
    code.number(link.attach_type);
    code.number(link.flags);
    visit_target(code, link.target);
}

// ---- Reading ----------------------------------------------------------------------------------------------------------------

Error damaged(std::string_view what) { return failure("an object's record in shared memory ", what).with_errno(EBADMSG); }

Status finish(const codec::Reader& reader) {
    if (reader.fault != nullptr) return fail(damaged(reader.fault));
    if (!reader.in.empty()) return fail(damaged("is followed by bytes that belong to nothing"));
    return {};
}

template <class T>
Result<std::shared_ptr<T>> find_as(const FindObject& find, const ObjectReference& reference) {
    if (reference.kind != T::kKind) return fail(damaged("refers to an object of a wrong kind"));
    return std::static_pointer_cast<T>(BPFTIME_TRY(find(reference.kind, reference.id)));
}

Result<std::shared_ptr<BpfObject>> decode_map(codec::Reader& reader, std::span<const ObjectReference> references,
                                              const FindObject& find) {
    auto map = std::make_shared<MapObject>();
    visit_map(reader, *map);
    BPFTIME_CHECK(finish(reader));
    for (const ObjectReference& reference : references) {
        if (reference.kind == ObjectKind::Btf) map->btf = BPFTIME_TRY(find_as<BtfObject>(find, reference));
        else map->inner = BPFTIME_TRY(find_as<MapObject>(find, reference));
    }
    if (map->btf) BPFTIME_CHECK(find_spin_lock(*map));
    return map;
}

Status check_target(const ProbeTarget& target) {
    if (target.kind > ProbeKind::Output) return fail(damaged("names an unknown kind of probe"));
    return target.sites.empty() ? fail(damaged("names no place of a probe")) : Status();
}

Result<std::shared_ptr<BpfObject>> decode_event(codec::Reader& reader) {
    auto event = std::make_shared<PerfEventObject>();
    visit_target(reader, event->target);
    BPFTIME_CHECK(finish(reader));
    BPFTIME_CHECK(check_target(event->target));
    return event;
}

Result<std::shared_ptr<BpfObject>> decode_link(codec::Reader& reader, std::span<const ObjectReference> references,
                                               const FindObject& find) {
    auto link = std::make_shared<LinkObject>();
    visit_link(reader, *link);
    BPFTIME_CHECK(finish(reader));
    BPFTIME_CHECK(check_target(link->target));
    for (const ObjectReference& reference : references) {
        if (reference.kind == ObjectKind::PerfEvent) link->event = BPFTIME_TRY(find_as<PerfEventObject>(find, reference));
        else link->program = BPFTIME_TRY(find_as<ProgramObject>(find, reference));
    }
    if (!link->program) return fail(damaged("is of a link without a program"));
    return link;
}

Result<std::shared_ptr<BpfObject>> decode_btf(codec::Reader& reader) {
    auto btf = std::make_shared<BtfObject>();
    reader.raw(btf->bytes);
    BPFTIME_CHECK(finish(reader));
    btf->view = BPFTIME_TRY(Btf::parse(btf->bytes));
    return btf;
}

// The places of its subprograms follow from the code; only their names are taken from the record.
Status check_program(Program& program) {
    std::vector<Subprogram> subprograms = BPFTIME_TRY(validate(program.insns, program.maps.size()));
    if (!std::ranges::equal(subprograms, program.subprograms, {}, &Subprogram::begin, &Subprogram::begin))
        return fail(damaged("names subprograms that the code does not have"));
    for (std::size_t i = 0; i < subprograms.size(); ++i) program.subprograms[i].end = subprograms[i].end;
    std::uint32_t last = 0;
    for (const SourceLine& line : program.lines) {
        if (line.insn < last || line.insn >= program.insns.size() || line.file >= program.source_files.size())
            return fail(damaged("names source lines out of range"));
        last = line.insn;
    }
    return {};
}

Result<std::shared_ptr<BpfObject>> decode_program(codec::Reader& reader, std::span<const ObjectReference> references,
                                                  const FindObject& find) {
    auto object = std::make_shared<ProgramObject>();
    Program& program = object->program;
    std::vector<std::uint8_t> code;
    reader.raw(code);
    visit_program(reader, *object);
    BPFTIME_CHECK(finish(reader));
    for (const ObjectReference& reference : references) {
        if (reference.kind == ObjectKind::Btf) {
            object->btf = BPFTIME_TRY(find_as<BtfObject>(find, reference));
            program.btf = object->btf->bytes;
            continue;
        }
        object->maps.push_back(BPFTIME_TRY(find_as<MapObject>(find, reference)));
        program.maps.push_back(object->maps.back()->snapshot());
        program.maps.back().number = reference.id;
    }
    program.insns = BPFTIME_TRY(decode(code));
    BPFTIME_CHECK(check_program(program));
    return object;
}

}  // namespace

std::vector<ObjectReference> references_of(const BpfObject& object) {
    std::vector<ObjectReference> result;
    const auto add = [&](const auto& other) {
        if (other) result.push_back({other->kind(), other->id});
    };
    if (object.kind() == ObjectKind::Map) {
        const auto& map = static_cast<const MapObject&>(object);
        add(map.btf);
        add(map.inner);
    } else if (object.kind() == ObjectKind::Program) {
        const auto& program = static_cast<const ProgramObject&>(object);
        add(program.btf);
        for (const auto& map : program.maps) add(map);
    } else if (object.kind() == ObjectKind::Link) {
        add(static_cast<const LinkObject&>(object).program);
        add(static_cast<const LinkObject&>(object).event);
    }
    return result;
}

std::vector<std::uint8_t> encode_record(const BpfObject& object) {
    codec::Writer writer;
    const auto references = references_of(object);
    visit_references(writer, references);
    switch (object.kind()) {
        case ObjectKind::Map: visit_map(writer, static_cast<const MapObject&>(object)); break;
        case ObjectKind::Btf: writer.raw(static_cast<const BtfObject&>(object).bytes); break;
        case ObjectKind::Program: {
            const auto& program = static_cast<const ProgramObject&>(object);
            const std::vector<RawInsn> code = encode(program.program.insns);
            writer.raw({reinterpret_cast<const std::uint8_t*>(code.data()), code.size() * sizeof(RawInsn)});
            visit_program(writer, program);
            break;
        }
        case ObjectKind::Link: visit_link(writer, static_cast<const LinkObject&>(object)); break;
        case ObjectKind::PerfEvent: visit_target(writer, static_cast<const PerfEventObject&>(object).target); break;
    }
    return std::move(writer.out);
}

Result<std::vector<ObjectReference>> decode_references(std::span<const std::uint8_t> record) {
    codec::Reader reader{record};
    std::vector<ObjectReference> references;
    visit_references(reader, references);
    if (reader.fault != nullptr) return fail(damaged(reader.fault));
    for (const ObjectReference& one : references)
        if (static_cast<std::size_t>(one.kind) >= kObjectKinds) return fail(damaged("refers to an object of unknown kind"));
    return references;
}

Result<std::shared_ptr<BpfObject>> decode_record(ObjectKind kind, std::span<const std::uint8_t> record, const FindObject& find) {
    const auto references = BPFTIME_TRY(decode_references(record));
    codec::Reader reader{record};
    std::vector<ObjectReference> skipped;
    visit_references(reader, skipped);
    switch (kind) {
        case ObjectKind::Map: return decode_map(reader, references, find);
        case ObjectKind::Btf: return decode_btf(reader);
        case ObjectKind::Program: return decode_program(reader, references, find);
        case ObjectKind::Link: return decode_link(reader, references, find);
        case ObjectKind::PerfEvent: return decode_event(reader);
    }
    return fail(damaged("is of an unknown kind"));
}

}  // namespace bpftime
