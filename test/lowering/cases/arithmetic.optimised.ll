; ModuleID = 'arithmetic'
source_filename = "arithmetic"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(none) uwtable
define dso_local i64 @bpf_main(ptr nocapture noundef readnone %ctx, i64 noundef %size) local_unnamed_addr #0 {
entry:
  ; prog.bpf.c:3: line 3;
  %r3_2 = lshr i64 %size, 7
  ; prog.bpf.c:4: line 4;
  %0 = icmp ult i64 %size, 128
  %1 = select i1 %0, i64 1, i64 %r3_2
  %2 = udiv i64 %size, %1
  %r0_3 = select i1 %0, i64 0, i64 %2
  ; prog.bpf.c:5: line 5;
  %3 = srem i64 %r0_3, %1
  %r0_4 = select i1 %0, i64 0, i64 %3
  ; prog.bpf.c:6: line 6;
  %r4_5 = trunc i64 %size to i32
  ; prog.bpf.c:7: line 7;
  %4 = trunc i64 %r3_2 to i32
  %5 = and i32 %4, 31
  %r4_6 = shl i32 %r4_5, %5
  ; prog.bpf.c:8: line 8;
  %6 = zext i32 %r4_6 to i64
  %7 = trunc i32 %r4_6 to i16
  ; prog.bpf.c:9: line 9;
  %sext = shl i16 %7, 8
  %8 = ashr exact i16 %sext, 8
  %9 = tail call i16 @llvm.bswap.i16(i16 %8)
  ; prog.bpf.c:10: line 10;
  %10 = zext i16 %9 to i64
  %r0_9 = add nuw nsw i64 %10, %6
  ; prog.bpf.c:11: line 11;
  %r0_10 = add nsw i64 %r0_9, %r0_4
  ; prog.bpf.c:12: line 12;
  ret i64 %r0_10
}

; Function Attrs: mustprogress nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i16 @llvm.bswap.i16(i16) #1

attributes #0 = { mustprogress nofree norecurse nosync nounwind willreturn memory(none) uwtable "no-builtins" "tune-cpu"="generic" }
attributes #1 = { mustprogress nocallback nofree nosync nounwind speculatable willreturn memory(none) }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
