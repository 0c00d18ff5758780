// Every function of the x86-64 assembler: the instruction in assembly and its exact bytes (as llvm-mc encodes it).
#include <array>

#include "test/catch.h"
#include "test/ubpf/bytes.h"
#include "vm/ubpf-jit/x86_64_assembler.h"

namespace bpftime::x86_64 {
namespace {

struct Row {
    const char* text;
    void (*emit)(Assembler&);
    const char* bytes;
};

// clang-format off
const Row kRows[] = {
    {"mov rax, rdi", [](Assembler& a) { a.mov(64, rax, rdi); }, "48 89 f8"},
    {"mov r15d, eax", [](Assembler& a) { a.mov(32, r15, rax); }, "41 89 c7"},
    {"mov eax, 0", [](Assembler& a) { a.mov_imm(rax, 0); }, "b8 00 00 00 00"},
    {"mov ebx, 4294967295", [](Assembler& a) { a.mov_imm(rbx, 0xffffffff); }, "bb ff ff ff ff"},
    {"mov r13d, 7", [](Assembler& a) { a.mov_imm(r13, 7); }, "41 bd 07 00 00 00"},
    {"mov rcx, -1", [](Assembler& a) { a.mov_imm(rcx, ~std::uint64_t{0}); }, "48 c7 c1 ff ff ff ff"},
    {"mov r14, -2147483648", [](Assembler& a) { a.mov_imm(r14, 0xffffffff80000000); }, "49 c7 c6 00 00 00 80"},
    {"movabs rdx, 1311768467463790320", [](Assembler& a) { a.mov_imm(rdx, 0x123456789abcdef0); }, "48 ba f0 de bc 9a 78 56 34 12"},
    {"movabs r9, 4294967296", [](Assembler& a) { a.mov_imm(r9, 0x100000000); }, "49 b9 00 00 00 00 01 00 00 00"},
    {"xor r8d, r8d", [](Assembler& a) { a.zero(r8); }, "45 31 c0"},
    {"movzx eax, bl", [](Assembler& a) { a.movzx8(rax, rbx); }, "0f b6 c3"},
    {"movzx edi, sil", [](Assembler& a) { a.movzx8(rdi, rsi); }, "40 0f b6 fe"},
    {"movzx r13d, r14b", [](Assembler& a) { a.movzx8(r13, r14); }, "45 0f b6 ee"},
    {"movzx ecx, dx", [](Assembler& a) { a.movzx16(rcx, rdx); }, "0f b7 ca"},
    {"movsx eax, dil", [](Assembler& a) { a.movsx8(32, rax, rdi); }, "40 0f be c7"},
    {"movsx rax, cl", [](Assembler& a) { a.movsx8(64, rax, rcx); }, "48 0f be c1"},
    {"movsx r8d, si", [](Assembler& a) { a.movsx16(32, r8, rsi); }, "44 0f bf c6"},
    {"movsx rbp, r15w", [](Assembler& a) { a.movsx16(64, rbp, r15); }, "49 0f bf ef"},
    {"movsxd rax, edi", [](Assembler& a) { a.movsxd(rax, rdi); }, "48 63 c7"},
    {"cmove rdi, r11", [](Assembler& a) { a.cmov(Cond::E, 64, rdi, r11); }, "49 0f 44 fb"},
    {"cmovg r13d, eax", [](Assembler& a) { a.cmov(Cond::G, 32, r13, rax); }, "44 0f 4f e8"},
    {"lea rdi, [rsi + 8]", [](Assembler& a) { a.lea(64, rdi, {.base = rsi, .disp = 8}); }, "48 8d 7e 08"},
    {"lea eax, [rdi + 4*rcx - 300]", [](Assembler& a) { a.lea(32, rax, {.base = rdi, .disp = -300, .index = rcx, .shift = 2}); }, "8d 84 8f d4 fe ff ff"},
    {"lea r13, [r13 + r15]", [](Assembler& a) { a.lea(64, r13, {.base = r13, .index = r15}); }, "4f 8d 6c 3d 00"},
    {"lea rcx, [rip]", [](Assembler& a) { a.lea_rip(rcx); }, "48 8d 0d 00 00 00 00"},
    {"lea r11, [rip]", [](Assembler& a) { a.lea_rip(r11); }, "4c 8d 1d 00 00 00 00"},
    {"movzx eax, byte ptr [rdi]", [](Assembler& a) { a.load(8, rax, {.base = rdi}); }, "0f b6 07"},
    {"movzx r14d, word ptr [rbp - 2]", [](Assembler& a) { a.load(16, r14, {.base = rbp, .disp = -2}); }, "44 0f b7 75 fe"},
    {"mov ebx, dword ptr [r13]", [](Assembler& a) { a.load(32, rbx, {.base = r13}); }, "41 8b 5d 00"},
    {"mov rax, qword ptr [rsp + 16]", [](Assembler& a) { a.load(64, rax, {.base = rsp, .disp = 16}); }, "48 8b 44 24 10"},
    {"mov rdi, qword ptr [r12]", [](Assembler& a) { a.load(64, rdi, {.base = r12}); }, "49 8b 3c 24"},
    {"mov r8, qword ptr [rbp - 512]", [](Assembler& a) { a.load(64, r8, {.base = rbp, .disp = -512}); }, "4c 8b 85 00 fe ff ff"},
    {"mov rax, qword ptr [rbp]", [](Assembler& a) { a.load(64, rax, {.base = rbp}); }, "48 8b 45 00"},
    {"mov r11, qword ptr [r11 + 8*rdx]", [](Assembler& a) { a.load(64, r11, {.base = r11, .index = rdx, .shift = 3}); }, "4d 8b 1c d3"},
    {"movsx rax, byte ptr [rsi + 127]", [](Assembler& a) { a.load_signed(8, rax, {.base = rsi, .disp = 127}); }, "48 0f be 46 7f"},
    {"movsx r9, word ptr [rsi + 128]", [](Assembler& a) { a.load_signed(16, r9, {.base = rsi, .disp = 128}); }, "4c 0f bf 8e 80 00 00 00"},
    {"movsxd rdx, dword ptr [rdx - 128]", [](Assembler& a) { a.load_signed(32, rdx, {.base = rdx, .disp = -128}); }, "48 63 52 80"},
    {"mov byte ptr [rax], dil", [](Assembler& a) { a.store(8, {.base = rax}, rdi); }, "40 88 38"},
    {"mov byte ptr [rax + 1], bl", [](Assembler& a) { a.store(8, {.base = rax, .disp = 1}, rbx); }, "88 58 01"},
    {"mov word ptr [r8], r15w", [](Assembler& a) { a.store(16, {.base = r8}, r15); }, "66 45 89 38"},
    {"mov dword ptr [rdi + rsi], ecx", [](Assembler& a) { a.store(32, {.base = rdi, .index = rsi}, rcx); }, "89 0c 37"},
    {"mov qword ptr [rbp - 8], r14", [](Assembler& a) { a.store(64, {.base = rbp, .disp = -8}, r14); }, "4c 89 75 f8"},
    {"mov byte ptr [rdi], -1", [](Assembler& a) { a.store_imm(8, {.base = rdi}, -1); }, "c6 07 ff"},
    {"mov word ptr [rdi], 4660", [](Assembler& a) { a.store_imm(16, {.base = rdi}, 0x1234); }, "66 c7 07 34 12"},
    {"mov dword ptr [r14 + 4], 1", [](Assembler& a) { a.store_imm(32, {.base = r14, .disp = 4}, 1); }, "41 c7 46 04 01 00 00 00"},
    {"mov qword ptr [rbp - 16], -5", [](Assembler& a) { a.store_imm(64, {.base = rbp, .disp = -16}, -5); }, "48 c7 45 f0 fb ff ff ff"},
    {"add rax, rdi", [](Assembler& a) { a.add(64, rax, rdi); }, "48 01 f8"},
    {"add r8d, ebx", [](Assembler& a) { a.add(32, r8, rbx); }, "41 01 d8"},
    {"or r15, rcx", [](Assembler& a) { a.or_(64, r15, rcx); }, "49 09 cf"},
    {"and edx, r9d", [](Assembler& a) { a.and_(32, rdx, r9); }, "44 21 ca"},
    {"sub rsi, rsi", [](Assembler& a) { a.sub(64, rsi, rsi); }, "48 29 f6"},
    {"xor r14d, r14d", [](Assembler& a) { a.xor_(32, r14, r14); }, "45 31 f6"},
    {"cmp rbx, r13", [](Assembler& a) { a.cmp(64, rbx, r13); }, "4c 39 eb"},
    {"test r8d, r8d", [](Assembler& a) { a.test(32, r8, r8); }, "45 85 c0"},
    {"add rdi, 1", [](Assembler& a) { a.add_imm(64, rdi, 1); }, "48 83 c7 01"},
    {"add eax, 1000", [](Assembler& a) { a.add_imm(32, rax, 1000); }, "05 e8 03 00 00"},
    {"add rbx, -129", [](Assembler& a) { a.add_imm(64, rbx, -129); }, "48 81 c3 7f ff ff ff"},
    {"or rax, 128", [](Assembler& a) { a.or_imm(64, rax, 128); }, "48 0d 80 00 00 00"},
    {"or r13d, -1", [](Assembler& a) { a.or_imm(32, r13, -1); }, "41 83 cd ff"},
    {"and ecx, 127", [](Assembler& a) { a.and_imm(32, rcx, 127); }, "83 e1 7f"},
    {"and r9, -256", [](Assembler& a) { a.and_imm(64, r9, -256); }, "49 81 e1 00 ff ff ff"},
    {"sub rsp, 512", [](Assembler& a) { a.sub_imm(64, rsp, 512); }, "48 81 ec 00 02 00 00"},
    {"xor edx, 2147483647", [](Assembler& a) { a.xor_imm(32, rdx, 0x7fffffff); }, "81 f2 ff ff ff 7f"},
    {"cmp r15, -1", [](Assembler& a) { a.cmp_imm(64, r15, -1); }, "49 83 ff ff"},
    {"cmp eax, 65536", [](Assembler& a) { a.cmp_imm(32, rax, 65536); }, "3d 00 00 01 00"},
    {"test eax, 256", [](Assembler& a) { a.test_imm(32, rax, 256); }, "a9 00 01 00 00"},
    {"test r14, -2", [](Assembler& a) { a.test_imm(64, r14, -2); }, "49 f7 c6 fe ff ff ff"},
    {"test al, 1", [](Assembler& a) { a.test8_imm(rax, 1); }, "a8 01"},
    {"test bl, 128", [](Assembler& a) { a.test8_imm(rbx, 128); }, "f6 c3 80"},
    {"test sil, 4", [](Assembler& a) { a.test8_imm(rsi, 4); }, "40 f6 c6 04"},
    {"test r13b, 8", [](Assembler& a) { a.test8_imm(r13, 8); }, "41 f6 c5 08"},
    {"add rax, qword ptr [rdi + 8]", [](Assembler& a) { a.add(64, rax, Mem{.base = rdi, .disp = 8}); }, "48 03 47 08"},
    {"or ecx, dword ptr [rsi]", [](Assembler& a) { a.or_(32, rcx, Mem{.base = rsi}); }, "0b 0e"},
    {"and r8, qword ptr [rbp - 24]", [](Assembler& a) { a.and_(64, r8, Mem{.base = rbp, .disp = -24}); }, "4c 23 45 e8"},
    {"sub ebx, dword ptr [r14]", [](Assembler& a) { a.sub(32, rbx, Mem{.base = r14}); }, "41 2b 1e"},
    {"xor r15, qword ptr [rdi + rdx]", [](Assembler& a) { a.xor_(64, r15, Mem{.base = rdi, .index = rdx}); }, "4c 33 3c 17"},
    {"cmp rdi, qword ptr [rsi]", [](Assembler& a) { a.cmp(64, rdi, Mem{.base = rsi}); }, "48 3b 3e"},
    {"imul rdx, qword ptr [rcx + 16]", [](Assembler& a) { a.imul(64, rdx, Mem{.base = rcx, .disp = 16}); }, "48 0f af 51 10"},
    {"imul rax, r15", [](Assembler& a) { a.imul(64, rax, r15); }, "49 0f af c7"},
    {"imul r8d, edi", [](Assembler& a) { a.imul(32, r8, rdi); }, "44 0f af c7"},
    {"imul rdi, rsi, 10", [](Assembler& a) { a.imul_imm(64, rdi, rsi, 10); }, "48 6b fe 0a"},
    {"imul eax, r13d, 1000003", [](Assembler& a) { a.imul_imm(32, rax, r13, 1000003); }, "41 69 c5 43 42 0f 00"},
    {"mul rdx", [](Assembler& a) { a.mul(64, rdx); }, "48 f7 e2"},
    {"div r11", [](Assembler& a) { a.div(64, r11); }, "49 f7 f3"},
    {"div ebx", [](Assembler& a) { a.div(32, rbx); }, "f7 f3"},
    {"idiv r11d", [](Assembler& a) { a.idiv(32, r11); }, "41 f7 fb"},
    {"idiv r11", [](Assembler& a) { a.idiv(64, r11); }, "49 f7 fb"},
    {"cdq", [](Assembler& a) { a.sign_extend_rax(32); }, "99"},
    {"cqo", [](Assembler& a) { a.sign_extend_rax(64); }, "48 99"},
    {"not rdi", [](Assembler& a) { a.not_(64, rdi); }, "48 f7 d7"},
    {"not r8d", [](Assembler& a) { a.not_(32, r8); }, "41 f7 d0"},
    {"neg ecx", [](Assembler& a) { a.neg(32, rcx); }, "f7 d9"},
    {"neg r15", [](Assembler& a) { a.neg(64, r15); }, "49 f7 df"},
    {"bswap eax", [](Assembler& a) { a.bswap(32, rax); }, "0f c8"},
    {"bswap r14", [](Assembler& a) { a.bswap(64, r14); }, "49 0f ce"},
    {"rol di, 8", [](Assembler& a) { a.rol16_imm(rdi, 8); }, "66 c1 c7 08"},
    {"rol r9w, 8", [](Assembler& a) { a.rol16_imm(r9, 8); }, "66 41 c1 c1 08"},
    {"dec qword ptr [rsp + 8]", [](Assembler& a) { a.dec64({.base = rsp, .disp = 8}); }, "48 ff 4c 24 08"},
    {"dec qword ptr [rbp - 520]", [](Assembler& a) { a.dec64({.base = rbp, .disp = -520}); }, "48 ff 8d f8 fd ff ff"},
    {"rol rbx, 31", [](Assembler& a) { a.rol_imm(64, rbx, 31); }, "48 c1 c3 1f"},
    {"rol r8d", [](Assembler& a) { a.rol_imm(32, r8, 1); }, "41 d1 c0"},
    {"shl rax", [](Assembler& a) { a.shl_imm(64, rax, 1); }, "48 d1 e0"},
    {"shl r8d, 31", [](Assembler& a) { a.shl_imm(32, r8, 31); }, "41 c1 e0 1f"},
    {"shr rdi, 63", [](Assembler& a) { a.shr_imm(64, rdi, 63); }, "48 c1 ef 3f"},
    {"shr ecx", [](Assembler& a) { a.shr_imm(32, rcx, 1); }, "d1 e9"},
    {"sar r15, 8", [](Assembler& a) { a.sar_imm(64, r15, 8); }, "49 c1 ff 08"},
    {"sar edx", [](Assembler& a) { a.sar_imm(32, rdx, 1); }, "d1 fa"},
    {"shl rbx, cl", [](Assembler& a) { a.shl_cl(64, rbx); }, "48 d3 e3"},
    {"shr r8d, cl", [](Assembler& a) { a.shr_cl(32, r8); }, "41 d3 e8"},
    {"sar r13, cl", [](Assembler& a) { a.sar_cl(64, r13); }, "49 d3 fd"},
    {"shlx rax, rdi, rsi", [](Assembler& a) { a.shlx(64, rax, rdi, rsi); }, "c4 e2 c9 f7 c7"},
    {"shlx r8d, r15d, r9d", [](Assembler& a) { a.shlx(32, r8, r15, r9); }, "c4 42 31 f7 c7"},
    {"sarx rbx, r13, rcx", [](Assembler& a) { a.sarx(64, rbx, r13, rcx); }, "c4 c2 f2 f7 dd"},
    {"sarx ecx, edx, r14d", [](Assembler& a) { a.sarx(32, rcx, rdx, r14); }, "c4 e2 0a f7 ca"},
    {"shrx r14, rax, r8", [](Assembler& a) { a.shrx(64, r14, rax, r8); }, "c4 62 bb f7 f0"},
    {"shrx edi, esi, edx", [](Assembler& a) { a.shrx(32, rdi, rsi, rdx); }, "c4 e2 6b f7 fe"},
    {"lock add qword ptr [rdi], rax", [](Assembler& a) { a.lock_add(64, {.base = rdi}, rax); }, "f0 48 01 07"},
    {"lock add dword ptr [r13 + 4], r8d", [](Assembler& a) { a.lock_add(32, {.base = r13, .disp = 4}, r8); }, "f0 45 01 45 04"},
    {"lock or qword ptr [rsi - 8], r15", [](Assembler& a) { a.lock_or(64, {.base = rsi, .disp = -8}, r15); }, "f0 4c 09 7e f8"},
    {"lock and dword ptr [rdx], ecx", [](Assembler& a) { a.lock_and(32, {.base = rdx}, rcx); }, "f0 21 0a"},
    {"lock xor qword ptr [rbp - 8], rbx", [](Assembler& a) { a.lock_xor(64, {.base = rbp, .disp = -8}, rbx); }, "f0 48 31 5d f8"},
    {"lock xadd dword ptr [r8], edi", [](Assembler& a) { a.lock_xadd(32, {.base = r8}, rdi); }, "f0 41 0f c1 38"},
    {"lock xadd qword ptr [rax + 8], r14", [](Assembler& a) { a.lock_xadd(64, {.base = rax, .disp = 8}, r14); }, "f0 4c 0f c1 70 08"},
    {"lock cmpxchg qword ptr [rdi], rsi", [](Assembler& a) { a.lock_cmpxchg(64, {.base = rdi}, rsi); }, "f0 48 0f b1 37"},
    {"lock cmpxchg dword ptr [r11 + 8], r9d", [](Assembler& a) { a.lock_cmpxchg(32, {.base = r11, .disp = 8}, r9); }, "f0 45 0f b1 4b 08"},
    {"xchg qword ptr [rdi], rax", [](Assembler& a) { a.xchg(64, {.base = rdi}, rax); }, "48 87 07"},
    {"xchg dword ptr [r14 + 4], r8d", [](Assembler& a) { a.xchg(32, {.base = r14, .disp = 4}, r8); }, "45 87 46 04"},
    {"call rax", [](Assembler& a) { a.call(rax); }, "ff d0"},
    {"call r11", [](Assembler& a) { a.call(r11); }, "41 ff d3"},
    {"jmp rax", [](Assembler& a) { a.jmp(rax); }, "ff e0"},
    {"jmp r11", [](Assembler& a) { a.jmp(r11); }, "41 ff e3"},
    {"ret", [](Assembler& a) { a.ret(); }, "c3"},
    {"push rbp", [](Assembler& a) { a.push(rbp); }, "55"},
    {"push r12", [](Assembler& a) { a.push(r12); }, "41 54"},
    {"pop rbx", [](Assembler& a) { a.pop(rbx); }, "5b"},
    {"pop r15", [](Assembler& a) { a.pop(r15); }, "41 5f"},
    {"leave", [](Assembler& a) { a.leave(); }, "c9"},
    {"sete al", [](Assembler& a) { a.set(Cond::E, rax); }, "0f 94 c0"},
    {"setg dil", [](Assembler& a) { a.set(Cond::G, rdi); }, "40 0f 9f c7"},
    {"setb r13b", [](Assembler& a) { a.set(Cond::B, r13); }, "41 0f 92 c5"},
};
// clang-format on

template <class Emit>
std::string emitted(Emit emit) {
    std::array<std::uint8_t, 256> out{};
    Assembler a(out.data());
    emit(a);
    return test::to_hex({out.data(), a.position()});
}

TEST_CASE("x86-64: instructions encode as documented") {
    for (const Row& row : kRows) {
        CAPTURE(row.text);
        CHECK(emitted(row.emit) == row.bytes);
    }
}

TEST_CASE("x86-64: jumps are patched to their targets") {
    CHECK(emitted([](Assembler& a) {
              const auto at = a.jmp_short();
              a.ret();
              a.patch8_here(at);
          }) == "eb 01 c3");
    CHECK(emitted([](Assembler& a) {
              a.ret();
              a.patch8(a.jcc_short(Cond::NE), 0);
          }) == "c3 75 fd");
    CHECK(emitted([](Assembler& a) {
              const auto at = a.jcc_near(Cond::BE);
              a.ret();
              a.patch32(at, a.position());
          }) == "0f 86 01 00 00 00 c3");
    CHECK(emitted([](Assembler& a) { a.patch32(a.jmp_near(), 0); }) == "e9 fb ff ff ff");
    CHECK(emitted([](Assembler& a) { a.patch32(a.call_near(), 256); }) == "e8 fb 00 00 00");
    CHECK(emitted([](Assembler& a) { a.patch32(a.lea_rip(r11), 7); }) == "4c 8d 1d 00 00 00 00");
}

TEST_CASE("x86-64: padding is made of the recommended nops") {
    CHECK(emitted([](Assembler& a) { a.nops(1); }) == "90");
    CHECK(emitted([](Assembler& a) { a.nops(2); }) == "66 90");
    CHECK(emitted([](Assembler& a) { a.nops(3); }) == "0f 1f 00");
    CHECK(emitted([](Assembler& a) { a.nops(4); }) == "0f 1f 40 00");
    CHECK(emitted([](Assembler& a) { a.nops(5); }) == "0f 1f 44 00 00");
    CHECK(emitted([](Assembler& a) { a.nops(6); }) == "66 0f 1f 44 00 00");
    CHECK(emitted([](Assembler& a) { a.nops(7); }) == "0f 1f 80 00 00 00 00");
    CHECK(emitted([](Assembler& a) { a.nops(8); }) == "0f 1f 84 00 00 00 00 00");
    CHECK(emitted([](Assembler& a) { a.nops(10); }) == "66 0f 1f 84 00 00 00 00 00 90");
    CHECK(emitted([](Assembler& a) {
              a.ret();
              a.align(8);
          }) == "c3 0f 1f 80 00 00 00 00");
    CHECK(emitted([](Assembler& a) { a.align(16); }).empty());
}

TEST_CASE("x86-64: constants follow the code in memory order") {
    CHECK(emitted([](Assembler& a) { a.u64(0x1122334455667788); }) == "88 77 66 55 44 33 22 11");
}

}  // namespace
}  // namespace bpftime::x86_64
