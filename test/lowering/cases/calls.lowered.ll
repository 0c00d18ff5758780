; ModuleID = 'calls'
source_filename = "calls"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) #0 {
entry:
  %frame = alloca [512 x i8], align 16
  ; prog.bpf.c:1: line 1;
  br label %bb_0

bb_0:                                             ; preds = %entry
  ; prog.bpf.c:2: line 2;
  %r0_1 = call fastcc ptr @sub_12(ptr %ctx, i64 %size)
  ; prog.bpf.c:8: line 8;
  %0 = getelementptr i8, ptr %frame, i64 504
  store i64 %size, ptr %0, align 8
  ; prog.bpf.c:10: line 10;
  %1 = getelementptr i8, ptr %frame, i64 504
  %r0_9 = call i64 @_bpf_helper_ext_0181(i64 10, ptr @sub_15, ptr %1, i64 0)
  ; prog.bpf.c:11: line 11;
  %r0_10 = add i64 %r0_9, %size
  ; prog.bpf.c:12: line 12;
  ret i64 %r0_10
}

; Function Attrs: nounwind uwtable
define internal fastcc ptr @sub_12(ptr noundef %r1, i64 noundef %r2) #0 {
entry:
  ; prog.bpf.c:13: line 13;
  br label %bb_12

bb_12:                                            ; preds = %entry
  ; prog.bpf.c:14: line 14;
  %r0_13 = getelementptr i8, ptr %r1, i64 %r2
  ; prog.bpf.c:15: line 15;
  ret ptr %r0_13
}

; Function Attrs: nounwind uwtable
define internal i64 @sub_15(i64 noundef %r1, i64 noundef %r2, i64 noundef %r3, i64 noundef %r4, i64 noundef %r5) #0 {
entry:
  ; prog.bpf.c:16: line 16;
  br label %bb_15

bb_15:                                            ; preds = %entry
  %0 = inttoptr i64 %r2 to ptr
  ; prog.bpf.c:16: line 16;
  %1 = load i64, ptr %0, align 1
  %r0_15 = freeze i64 %1
  ; prog.bpf.c:17: line 17;
  %r0_16 = add i64 %r0_15, %r1
  ; prog.bpf.c:18: line 18;
  store i64 %r0_16, ptr %0, align 1
  ; prog.bpf.c:20: line 20;
  ret i64 0
}

; Function Attrs: nounwind memory(readwrite)
declare i64 @_bpf_helper_ext_0181(i64, ptr, ptr, i64) #1

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }
attributes #1 = { nounwind memory(readwrite) }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
