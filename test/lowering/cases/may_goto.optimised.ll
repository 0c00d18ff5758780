; ModuleID = 'may_goto'
source_filename = "may_goto"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nofree norecurse nosync nounwind memory(none) uwtable
define dso_local i64 @bpf_main(ptr nocapture noundef readnone %ctx, i64 noundef %size) local_unnamed_addr #0 {
entry:
  ; prog.bpf.c:1: line 1;
  %0 = add i64 %size, -1
  %umin = tail call i64 @llvm.umin.i64(i64 %0, i64 8388608)
  %1 = add nuw nsw i64 %umin, 1
  br label %bb_1

bb_1:                                             ; preds = %bb_2.2, %entry
  %may_goto.0 = phi i64 [ 8388608, %entry ], [ %3, %bb_2.2 ]
  %r0_1 = phi i64 [ 0, %entry ], [ %r0_2.2, %bb_2.2 ]
  ; prog.bpf.c:3: line 3;
  %r0_2 = add nuw nsw i64 %r0_1, 1
  ; prog.bpf.c:4: line 4;
  %.not = icmp eq i64 %r0_2, %size
  %r0_2.1 = add nuw nsw i64 %r0_1, 2
  %.not.1 = icmp eq i64 %r0_2.1, %size
  %or.cond = select i1 %.not, i1 true, i1 %.not.1
  br i1 %or.cond, label %bb_4, label %bb_1.2

bb_1.2:                                           ; preds = %bb_1
  ; prog.bpf.c:2: line 2;
  %2 = icmp eq i64 %may_goto.0, 2
  br i1 %2, label %bb_4, label %bb_2.2

bb_2.2:                                           ; preds = %bb_1.2
  ; prog.bpf.c:2: line 2;
  %3 = add nsw i64 %may_goto.0, -3
  ; prog.bpf.c:3: line 3;
  %r0_2.2 = add nuw nsw i64 %r0_1, 3
  ; prog.bpf.c:4: line 4;
  %.not.2 = icmp eq i64 %r0_2.2, %size
  br i1 %.not.2, label %bb_4, label %bb_1

bb_4:                                             ; preds = %bb_2.2, %bb_1.2, %bb_1
  %r0_4 = phi i64 [ %1, %bb_1 ], [ %umin, %bb_1.2 ], [ %1, %bb_2.2 ]
  ; prog.bpf.c:5: line 5;
  ret i64 %r0_4
}

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.umin.i64(i64, i64) #1

attributes #0 = { nofree norecurse nosync nounwind memory(none) uwtable "no-builtins" "tune-cpu"="generic" }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
