; ModuleID = 'arithmetic'
source_filename = "arithmetic"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) #0 {
entry:
  ; prog.bpf.c:1: line 1;
  br label %bb_0

bb_0:                                             ; preds = %entry
  ; prog.bpf.c:3: line 3;
  %r3_2 = lshr i64 %size, 7
  ; prog.bpf.c:4: line 4;
  %0 = icmp eq i64 %r3_2, 0
  %1 = select i1 %0, i64 1, i64 %r3_2
  %2 = udiv i64 %size, %1
  %r0_3 = select i1 %0, i64 0, i64 %2
  ; prog.bpf.c:5: line 5;
  %3 = icmp eq i64 %r3_2, 0
  %4 = icmp eq i64 %r3_2, -1
  %5 = or i1 %3, %4
  %6 = select i1 %5, i64 1, i64 %r3_2
  %7 = srem i64 %r0_3, %6
  %r0_4 = select i1 %3, i64 %r0_3, i64 %7
  ; prog.bpf.c:6: line 6;
  %r4_5 = trunc i64 %size to i32
  ; prog.bpf.c:7: line 7;
  %8 = trunc i64 %r3_2 to i32
  %9 = and i32 %8, 31
  %r4_6 = shl i32 %r4_5, %9
  ; prog.bpf.c:8: line 8;
  %10 = zext i32 %r4_6 to i64
  %11 = trunc i64 %10 to i8
  %r5_7 = sext i8 %11 to i64
  ; prog.bpf.c:9: line 9;
  %12 = trunc i64 %r5_7 to i16
  %13 = call i16 @llvm.bswap.i16(i16 %12)
  %r5_8 = zext i16 %13 to i32
  ; prog.bpf.c:10: line 10;
  %14 = zext i32 %r5_8 to i64
  %r0_9 = add i64 %r0_4, %14
  ; prog.bpf.c:11: line 11;
  %r0_10 = add i64 %r0_9, %10
  ; prog.bpf.c:12: line 12;
  ret i64 %r0_10
}

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i16 @llvm.bswap.i16(i16) #1

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
