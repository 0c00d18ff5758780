; ModuleID = 'loop'
source_filename = "loop"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nofree norecurse nosync nounwind memory(argmem: readwrite) uwtable
define dso_local noundef i64 @bpf_main(ptr nocapture noundef %ctx, i64 noundef %size) local_unnamed_addr #0 {
entry:
  ; prog.bpf.c:2: line 2;
  %0 = and i64 %size, 4294967295
  %1 = icmp eq i64 %0, 0
  br i1 %1, label %bb_8, label %iter.check

iter.check:                                       ; preds = %entry
  ; prog.bpf.c:8: line 8;
  %wide.trip.count = and i64 %size, 4294967295
  %min.iters.check = icmp ult i64 %wide.trip.count, 8
  br i1 %min.iters.check, label %bb_2.preheader, label %vector.main.loop.iter.check

vector.main.loop.iter.check:                      ; preds = %iter.check
  ; prog.bpf.c:8: line 8;
  %min.iters.check2 = icmp ult i64 %wide.trip.count, 16
  br i1 %min.iters.check2, label %vec.epilog.ph, label %vector.ph

vector.ph:                                        ; preds = %vector.main.loop.iter.check
  ; prog.bpf.c:8: line 8;
  %n.mod.vf = and i64 %size, 15
  %n.vec = sub nsw i64 %wide.trip.count, %n.mod.vf
  br label %vector.body

vector.body:                                      ; preds = %vector.body, %vector.ph
  ; prog.bpf.c:7: line 7;
  %index = phi i64 [ 0, %vector.ph ], [ %index.next, %vector.body ]
  ; prog.bpf.c:4: line 4;
  %2 = getelementptr i8, ptr %ctx, i64 %index
  ; prog.bpf.c:5: line 5;
  %wide.load = load <16 x i8>, ptr %2, align 1
  ; prog.bpf.c:6: line 6;
  %3 = getelementptr i8, ptr %2, i64 1024
  store <16 x i8> %wide.load, ptr %3, align 1
  ; prog.bpf.c:7: line 7;
  %index.next = add nuw i64 %index, 16
  %4 = icmp eq i64 %index.next, %n.vec
  br i1 %4, label %middle.block, label %vector.body, !llvm.loop !3

middle.block:                                     ; preds = %vector.body
  ; prog.bpf.c:8: line 8;
  %cmp.n = icmp eq i64 %n.mod.vf, 0
  br i1 %cmp.n, label %bb_8, label %vec.epilog.iter.check

vec.epilog.iter.check:                            ; preds = %middle.block
  ; prog.bpf.c:8: line 8;
  %min.epilog.iters.check = icmp ult i64 %n.mod.vf, 8
  br i1 %min.epilog.iters.check, label %bb_2.preheader, label %vec.epilog.ph

vec.epilog.ph:                                    ; preds = %vector.main.loop.iter.check, %vec.epilog.iter.check
  %vec.epilog.resume.val = phi i64 [ %n.vec, %vec.epilog.iter.check ], [ 0, %vector.main.loop.iter.check ]
  ; prog.bpf.c:8: line 8;
  %n.mod.vf3 = and i64 %size, 7
  %n.vec4 = sub nsw i64 %wide.trip.count, %n.mod.vf3
  br label %vec.epilog.vector.body

vec.epilog.vector.body:                           ; preds = %vec.epilog.vector.body, %vec.epilog.ph
  ; prog.bpf.c:7: line 7;
  %index5 = phi i64 [ %vec.epilog.resume.val, %vec.epilog.ph ], [ %index.next7, %vec.epilog.vector.body ]
  ; prog.bpf.c:4: line 4;
  %5 = getelementptr i8, ptr %ctx, i64 %index5
  ; prog.bpf.c:5: line 5;
  %wide.load6 = load <8 x i8>, ptr %5, align 1
  ; prog.bpf.c:6: line 6;
  %6 = getelementptr i8, ptr %5, i64 1024
  store <8 x i8> %wide.load6, ptr %6, align 1
  ; prog.bpf.c:7: line 7;
  %index.next7 = add nuw i64 %index5, 8
  %7 = icmp eq i64 %index.next7, %n.vec4
  br i1 %7, label %vec.epilog.middle.block, label %vec.epilog.vector.body, !llvm.loop !6

vec.epilog.middle.block:                          ; preds = %vec.epilog.vector.body
  ; prog.bpf.c:8: line 8;
  %cmp.n8 = icmp eq i64 %n.mod.vf3, 0
  br i1 %cmp.n8, label %bb_8, label %bb_2.preheader

bb_2.preheader:                                   ; preds = %vec.epilog.middle.block, %iter.check, %vec.epilog.iter.check
  %indvars.iv.ph = phi i64 [ 0, %iter.check ], [ %n.vec, %vec.epilog.iter.check ], [ %n.vec4, %vec.epilog.middle.block ]
  ; prog.bpf.c:8: line 8;
  br label %bb_2

bb_2:                                             ; preds = %bb_2.preheader, %bb_2
  %indvars.iv = phi i64 [ %indvars.iv.next, %bb_2 ], [ %indvars.iv.ph, %bb_2.preheader ]
  ; prog.bpf.c:4: line 4;
  %r4_3 = getelementptr i8, ptr %ctx, i64 %indvars.iv
  ; prog.bpf.c:5: line 5;
  %8 = load i8, ptr %r4_3, align 1
  ; prog.bpf.c:6: line 6;
  %9 = getelementptr i8, ptr %r4_3, i64 1024
  store i8 %8, ptr %9, align 1
  ; prog.bpf.c:7: line 7;
  %indvars.iv.next = add nuw nsw i64 %indvars.iv, 1
  ; prog.bpf.c:8: line 8;
  %exitcond.not = icmp eq i64 %indvars.iv.next, %wide.trip.count
  br i1 %exitcond.not, label %bb_8, label %bb_2, !llvm.loop !7

bb_8:                                             ; preds = %bb_2, %middle.block, %vec.epilog.middle.block, %entry
  ; prog.bpf.c:10: line 10;
  ret i64 0
}

attributes #0 = { nofree norecurse nosync nounwind memory(argmem: readwrite) uwtable "no-builtins" "tune-cpu"="generic" }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
!3 = distinct !{!3, !4, !5}
!4 = !{!"llvm.loop.isvectorized", i32 1}
!5 = !{!"llvm.loop.unroll.runtime.disable"}
!6 = distinct !{!6, !4, !5}
!7 = distinct !{!7, !5, !4}
