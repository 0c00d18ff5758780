; ModuleID = 'atomics'
source_filename = "atomics"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) #0 {
entry:
  ; prog.bpf.c:1: line 1;
  br label %bb_0

bb_0:                                             ; preds = %entry
  ; prog.bpf.c:3: line 3;
  %0 = atomicrmw add ptr %ctx, i64 %size monotonic, align 8
  ; prog.bpf.c:4: line 4;
  %r2_3 = atomicrmw or ptr %ctx, i64 %size seq_cst, align 8
  ; prog.bpf.c:5: line 5;
  %1 = getelementptr i8, ptr %ctx, i64 8
  %2 = trunc i64 %size to i32
  %r3_4 = atomicrmw xchg ptr %1, i32 %2 seq_cst, align 4
  ; prog.bpf.c:6: line 6;
  %3 = getelementptr i8, ptr %ctx, i64 16
  %4 = cmpxchg ptr %3, i64 5, i64 %r2_3 seq_cst seq_cst, align 8
  %r0_5 = extractvalue { i64, i1 } %4, 0
  ; prog.bpf.c:7: line 7;
  %5 = getelementptr i8, ptr %ctx, i64 24
  %6 = load atomic i8, ptr %5 acquire, align 1
  %r4_6 = zext i8 %6 to i32
  ; prog.bpf.c:8: line 8;
  %7 = getelementptr i8, ptr %ctx, i64 32
  store atomic i64 %r2_3, ptr %7 release, align 8
  ; prog.bpf.c:9: line 9;
  %8 = zext i32 %r3_4 to i64
  %r0_8 = add i64 %r0_5, %8
  ; prog.bpf.c:10: line 10;
  %9 = zext i32 %r4_6 to i64
  %r0_9 = add i64 %r0_8, %9
  ; prog.bpf.c:11: line 11;
  ret i64 %r0_9
}

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
