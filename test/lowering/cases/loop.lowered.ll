; ModuleID = 'loop'
source_filename = "loop"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) #0 {
entry:
  ; prog.bpf.c:1: line 1;
  br label %bb_0

bb_0:                                             ; preds = %entry
  ; prog.bpf.c:2: line 2;
  %0 = trunc i64 %size to i32
  %1 = icmp eq i32 %0, 0
  br i1 %1, label %bb_8, label %bb_2

bb_2:                                             ; preds = %bb_2, %bb_0
  %r3_2 = phi i32 [ 0, %bb_0 ], [ %r3_6, %bb_2 ]
  ; prog.bpf.c:4: line 4;
  %2 = zext i32 %r3_2 to i64
  %r4_3 = getelementptr i8, ptr %ctx, i64 %2
  ; prog.bpf.c:5: line 5;
  %3 = load i8, ptr %r4_3, align 1
  %r5_4 = zext i8 %3 to i32
  ; prog.bpf.c:6: line 6;
  %4 = getelementptr i8, ptr %r4_3, i64 1024
  %5 = trunc i32 %r5_4 to i8
  store i8 %5, ptr %4, align 1
  ; prog.bpf.c:7: line 7;
  %r3_6 = add i32 %r3_2, 1
  ; prog.bpf.c:8: line 8;
  %6 = trunc i64 %size to i32
  %7 = icmp ult i32 %r3_6, %6
  br i1 %7, label %bb_2, label %bb_8

bb_8:                                             ; preds = %bb_2, %bb_0
  ; prog.bpf.c:10: line 10;
  ret i64 0
}

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
