; ModuleID = 'pointers'
source_filename = "pointers"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) #0 {
entry:
  ; prog.bpf.c:1: line 1;
  br label %bb_0

bb_0:                                             ; preds = %entry
  ; prog.bpf.c:1: line 1;
  %r3_0 = load ptr, ptr %ctx, align 1
  ; prog.bpf.c:2: line 2;
  %0 = getelementptr i8, ptr %ctx, i64 8
  %r4_1 = load i64, ptr %0, align 1
  ; prog.bpf.c:4: line 4;
  %1 = ptrtoint ptr %r3_0 to i64
  %r5_3 = sub i64 %r4_1, %1
  ; prog.bpf.c:6: line 6;
  %2 = icmp ult i64 %r5_3, 14
  br i1 %2, label %bb_13, label %bb_6

bb_6:                                             ; preds = %bb_0
  ; prog.bpf.c:8: line 8;
  %r6_7 = getelementptr i8, ptr %r3_0, i64 12
  ; prog.bpf.c:9: line 9;
  %3 = load i16, ptr %r6_7, align 1
  %r0_8 = zext i16 %3 to i32
  ; prog.bpf.c:10: line 10;
  %4 = load i8, ptr %r3_0, align 1
  %r7_9 = zext i8 %4 to i32
  ; prog.bpf.c:11: line 11;
  %5 = zext i32 %r7_9 to i64
  %r3_10 = getelementptr i8, ptr %r3_0, i64 %5
  ; prog.bpf.c:12: line 12;
  %6 = getelementptr i8, ptr %r3_10, i64 1
  %7 = load i8, ptr %6, align 1
  %r1_11 = zext i8 %7 to i32
  ; prog.bpf.c:13: line 13;
  %8 = zext i32 %r1_11 to i64
  %9 = zext i32 %r0_8 to i64
  %r0_12 = add i64 %9, %8
  br label %bb_13

bb_13:                                            ; preds = %bb_6, %bb_0
  %r0_13 = phi i64 [ 0, %bb_0 ], [ %r0_12, %bb_6 ]
  ; prog.bpf.c:14: line 14;
  ret i64 %r0_13
}

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
