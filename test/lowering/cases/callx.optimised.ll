; ModuleID = 'callx'
source_filename = "callx"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) local_unnamed_addr #0 {
entry:
  ; prog.bpf.c:2: line 2;
  %0 = icmp eq ptr @__bpftime_call_helper, null
  br i1 %0, label %after_callx, label %callx_1

callx_1:                                          ; preds = %entry
  ; prog.bpf.c:2: line 2;
  %1 = ptrtoint ptr %ctx to i64
  %2 = tail call i64 @__bpftime_call_helper(i64 %size, i64 %1, i64 %size, i64 0, i64 0, i64 0)
  br label %after_callx

after_callx:                                      ; preds = %callx_1, %entry
  ; prog.bpf.c:2: line 2;
  %r0_1 = phi i64 [ -22, %entry ], [ %2, %callx_1 ]
  ; prog.bpf.c:3: line 3;
  ret i64 %r0_1
}

; Function Attrs: nounwind
declare extern_weak i64 @__bpftime_call_helper(i64, i64, i64, i64, i64, i64) #1

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }
attributes #1 = { nounwind }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
