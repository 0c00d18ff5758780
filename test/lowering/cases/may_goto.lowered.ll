; ModuleID = 'may_goto'
source_filename = "may_goto"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) #0 {
entry:
  ; prog.bpf.c:1: line 1;
  br label %bb_0

bb_0:                                             ; preds = %entry
  ; prog.bpf.c:1: line 1;
  br label %bb_1

bb_1:                                             ; preds = %bb_2, %bb_0
  %may_goto.0 = phi i64 [ 8388608, %bb_0 ], [ %2, %bb_2 ]
  %r0_1 = phi i64 [ 0, %bb_0 ], [ %r0_2, %bb_2 ]
  ; prog.bpf.c:2: line 2;
  %0 = icmp eq i64 %may_goto.0, 0
  %1 = sub i64 %may_goto.0, 1
  %2 = select i1 %0, i64 %may_goto.0, i64 %1
  br i1 %0, label %bb_4, label %bb_2

bb_2:                                             ; preds = %bb_1
  ; prog.bpf.c:3: line 3;
  %r0_2 = add i64 %r0_1, 1
  ; prog.bpf.c:4: line 4;
  %3 = icmp ne i64 %r0_2, %size
  br i1 %3, label %bb_1, label %bb_4

bb_4:                                             ; preds = %bb_2, %bb_1
  %r0_4 = phi i64 [ %r0_1, %bb_1 ], [ %r0_2, %bb_2 ]
  ; prog.bpf.c:5: line 5;
  ret i64 %r0_4
}

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
